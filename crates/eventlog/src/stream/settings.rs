//! Reads how Redis is reached from the configuration.

use std::path::Path;

use platform::{ConfigError, Files, SecretSource, StartError, Watched, read_authority};
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisResult, TlsCertificates,
};
use secrecy::ExposeSecret as _;

use super::{
    ConnectionConfig,
    cluster::Cluster,
    server::{Sentinels, Server},
};
use crate::{EventLogConfig, RedisMode};

const URL: &str = "EVENTLOG_REDIS_URL";
const URL_FILE: &str = "EVENTLOG_REDIS_URL_FILE";
const MASTER_NAME: &str = "EVENTLOG_REDIS_MASTER_NAME";
const SENTINEL_USERNAME: &str = "EVENTLOG_REDIS_SENTINEL_USERNAME";
const SENTINEL_PASSWORD_FILE: &str = "EVENTLOG_REDIS_SENTINEL_PASSWORD_FILE";
const CA_FILE: &str = "EVENTLOG_REDIS_CA_FILE";

/// How Redis is reached, read again when a file of it changes; `None` when there is no
/// Redis. What contradicts itself is refused, since the events would only
/// be slow and nobody would know why.
pub(super) fn read(
    config: &EventLogConfig,
    files: &Files,
) -> Result<Option<Watched<ConnectionConfig>>, StartError> {
    refuse_what_is_for_sentinels_alone(config)?;
    let (told, file) = (config.redis_url.as_ref(), config.redis_url_file.as_deref());
    let Some(source) = SecretSource::of([URL, URL_FILE], told, file)? else {
        return match config.redis_mode {
            RedisMode::Single => Ok(None),
            RedisMode::Cluster | RedisMode::Sentinel => {
                Err(ConfigError::Missing(format!("{URL} (or {URL_FILE})")).into())
            }
        };
    };
    let file = source.file().map(Path::to_owned);
    let named = [
        (source.variable(), file.as_deref()),
        (
            SENTINEL_PASSWORD_FILE,
            config.redis_sentinel_password_file.as_deref(),
        ),
        (CA_FILE, config.redis_ca_file.as_deref()),
    ];
    let read = config.clone();
    files
        .watch(named, move || connection(&read, &source))
        .map(Some)
}

fn connection(
    config: &EventLogConfig,
    source: &SecretSource,
) -> Result<ConnectionConfig, StartError> {
    // The error of the parser could repeat the URL and its password.
    let unusable = |why: &str| StartError::unusable(source.variable(), why);
    let mut nodes =
        nodes(source.read()?.expose_secret()).map_err(|_| unusable("not a Redis URL"))?;
    let authority = config.redis_ca_file.as_deref().map(authority).transpose()?;
    if let Some(authority) = &authority {
        let trusting = nodes.into_iter().map(|node| trust(node, authority));
        nodes = trusting.collect::<Result<_, _>>()?;
    }
    Ok(match config.redis_mode {
        RedisMode::Single => {
            ConnectionConfig::Server(Server::Fixed(only(nodes).map_err(unusable)?).into())
        }
        RedisMode::Cluster => {
            let cluster = Cluster::new(nodes, authority);
            let cluster = cluster.map_err(|_| unusable("not that of a cluster"))?;
            ConnectionConfig::Cluster(cluster.into())
        }
        RedisMode::Sentinel => {
            ConnectionConfig::Server(Server::Elected(sentinels(config, nodes, authority)?).into())
        }
    })
}

fn refuse_what_is_for_sentinels_alone(config: &EventLogConfig) -> Result<(), StartError> {
    let set = [
        (MASTER_NAME, config.redis_master_name.is_some()),
        (SENTINEL_USERNAME, config.redis_sentinel_username.is_some()),
        (
            SENTINEL_PASSWORD_FILE,
            config.redis_sentinel_password_file.is_some(),
        ),
    ];
    match set.into_iter().find(|(_, set)| *set) {
        Some((variable, _)) if config.redis_mode != RedisMode::Sentinel => Err(
            StartError::unusable(variable, "only for EVENTLOG_REDIS_MODE=sentinel"),
        ),
        _ => Ok(()),
    }
}

fn sentinels(
    config: &EventLogConfig,
    known: Vec<ConnectionInfo>,
    authority: Option<TlsCertificates>,
) -> Result<Sentinels, StartError> {
    let Some(master) = config.redis_master_name.clone() else {
        return Err(ConfigError::Missing(MASTER_NAME.to_owned()).into());
    };
    let password = match &config.redis_sentinel_password_file {
        Some(file) => Some(SecretSource::File(SENTINEL_PASSWORD_FILE, file.clone()).read()?),
        None if config.redis_sentinel_username.is_some() => {
            return Err(ConfigError::Missing(SENTINEL_PASSWORD_FILE.to_owned()).into());
        }
        None => None,
    };
    Ok(Sentinels {
        known,
        master,
        username: config.redis_sentinel_username.clone(),
        password,
        authority,
    })
}

/// The client of a server that stands alone.
fn only(nodes: Vec<ConnectionInfo>) -> Result<Client, &'static str> {
    let [node]: [ConnectionInfo; 1] = nodes
        .try_into()
        .map_err(|_| "several nodes are for another EVENTLOG_REDIS_MODE")?;
    Client::open(node).map_err(|_| "not a Redis URL")
}

fn authority(file: &Path) -> Result<TlsCertificates, StartError> {
    Ok(TlsCertificates {
        client_tls: None,
        root_cert: Some(read_authority(CA_FILE, file)?),
    })
}

fn trust(node: ConnectionInfo, authority: &TlsCertificates) -> Result<ConnectionInfo, StartError> {
    let refused = |why: &str| StartError::unusable(CA_FILE, why);
    let ConnectionAddr::TcpTls { .. } = node.addr() else {
        return Err(refused("the URL of Redis does not begin with rediss://"));
    };
    let client = Client::build_with_tls(node, authority.clone())
        .map_err(|_| refused("no certificate that can be used"))?;
    Ok(client.get_connection_info().clone())
}

/// The nodes of `redis://user:password@host:port,host:port/database`: one login and
/// one scheme for all.
fn nodes(url: &str) -> RedisResult<Vec<ConnectionInfo>> {
    let urls = one_by_one(url).into_iter();
    urls.map(String::into_connection_info).collect()
}

/// A URL for each of the hosts in one.
fn one_by_one(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return vec![url.to_owned()];
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // A password may hold commas.
    let hosts = authority.rfind('@').map_or(0, |at| at + 1);
    let (login, hosts) = authority.split_at(hosts);
    let urls = hosts.split(',');
    urls.map(|host| format!("{scheme}://{login}{host}{path}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_hosts_shares_scheme_login_and_database() {
        assert_eq!(
            one_by_one("rediss://user:pass,word@a:1,[::1]:2,c/3?protocol=3"),
            [
                "rediss://user:pass,word@a:1/3?protocol=3",
                "rediss://user:pass,word@[::1]:2/3?protocol=3",
                "rediss://user:pass,word@c/3?protocol=3",
            ]
        );
    }

    #[test]
    fn one_host_is_left_as_it_is() {
        for url in [
            "redis://127.0.0.1:6379",
            "redis://:secret@host/1",
            "unix:///run/redis.sock",
            "unix:///a,b?db=1",
            "nonsense",
        ] {
            assert_eq!(one_by_one(url), [url]);
        }
    }

    #[test]
    fn every_node_has_the_login() {
        let nodes = nodes("redis://user:secret@a:1,b:2,c").unwrap();
        let found: Vec<_> = nodes
            .iter()
            .map(|node| {
                let settings = node.redis_settings();
                (
                    node.addr().to_string(),
                    settings.username(),
                    settings.password(),
                )
            })
            .collect();
        let expected = ["a:1", "b:2", "c:6379"];
        assert_eq!(
            found,
            expected.map(|address| (address.to_owned(), Some("user"), Some("secret")))
        );
    }

    #[test]
    fn a_list_with_a_hole_or_of_several_urls_is_no_url() {
        for url in [
            "redis://a:1,,b:2",
            "redis://a:1,redis://b:2",
            "redis://a:1,",
        ] {
            assert!(nodes(url).is_err(), "{url}");
        }
    }
}
