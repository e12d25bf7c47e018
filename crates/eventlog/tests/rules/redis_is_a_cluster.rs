//! Rules 2 and 4 over a Redis Cluster, whose nodes share the streams among them.

use std::time::Duration;

use eventlog::{EventLogConfig, RedisMode, Streams};
use redis::AsyncCommands as _;
use testkit::{Certificates, RedisCluster, RedisClusterOptions, RedisOptions};

use crate::{
    env::{BY_REDIS, Running, SHARDS, TestEnv, streams_by},
    ledger::Ledger,
};

async fn cluster(replicas: u16) -> RedisCluster {
    RedisCluster::start(RedisClusterOptions {
        replicas,
        ..RedisClusterOptions::default()
    })
    .await
    .unwrap()
}

fn streams(url: String) -> Streams {
    streams_by(&EventLogConfig {
        redis_url: Some(url.into()),
        redis_mode: RedisMode::Cluster,
        ..EventLogConfig::default()
    })
}

/// The streams, and how many entries they hold together.
async fn look(cluster: &RedisCluster) -> redis::RedisResult<(Vec<String>, usize)> {
    let url = cluster.url();
    let (_, hosts) = url.split_once("://").unwrap();
    let nodes = hosts.split(',').map(|host| format!("redis://{host}"));
    let client = redis::cluster::ClusterClient::new(nodes)?;
    let mut connection = client.get_async_connection().await?;
    let names: Vec<String> = connection.keys("vigie:*").await?;
    let mut entries = 0;
    for name in &names {
        entries += connection.xlen::<_, usize>(name).await?;
    }
    Ok((names, entries))
}

async fn until_published(cluster: &RedisCluster, count: usize) {
    testkit::eventually(async || look(cluster).await.is_ok_and(|(_, found)| found == count)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_over_a_cluster_of_three_nodes() {
    let mut env = TestEnv::new("cluster").await;
    let cluster = cluster(0).await;
    let streams = streams(cluster.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..10).await;
    env.until_applied(10).await;
    until_published(&cluster, 10).await;
    let (names, _) = look(&cluster).await.unwrap();
    let mut holders = Vec::new();
    for name in &names {
        holders.push(cluster.holder(name).await.unwrap().port());
    }
    holders.sort_unstable();
    holders.dedup();
    assert!(holders.len() > 1, "the streams live on different nodes");

    // Nothing but Redis is left to read from.
    env.stop_producer().await;
    env.append_many(10..60).await;
    let entries = env.until_applied(60).await;
    assert!(entries.iter().all(|entry| entry.times == 1));
    assert!(env.metric(BY_REDIS) >= 50.0);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_a_node_of_a_cluster_dies_midway_and_comes_back_empty() {
    let env = TestEnv::new("cluster_dying").await;
    let cluster = cluster(0).await;
    let streams = streams(cluster.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..30).await;
    env.until_applied(30).await;
    until_published(&cluster, 30).await;
    let (names, _) = look(&cluster).await.unwrap();
    let node = cluster.holder(&names[0]).await.unwrap();
    node.kill9().await.unwrap();
    env.append_many(30..60).await;
    env.until_applied(60).await;
    node.restart().await.unwrap();
    cluster.until_ok().await.unwrap();
    env.append_many(60..90).await;
    let entries = env.until_applied(90).await;
    assert!(entries.iter().all(|entry| entry.times == 1));
    // The publisher fills what is missing without news.
    until_published(&cluster, 90).await;
    env.until_redis_is_heard().await;
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_a_node_of_a_cluster_hangs() {
    let env = TestEnv::new("cluster_hanging").await;
    let cluster = cluster(0).await;
    let streams = streams(cluster.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..10).await;
    env.until_applied(10).await;
    until_published(&cluster, 10).await;
    let (names, _) = look(&cluster).await.unwrap();
    let node = cluster.holder(&names[0]).await.unwrap();
    node.freeze().await.unwrap();
    env.append_many(10..20).await;
    env.until_applied(20).await;
    node.thaw().await.unwrap();
    until_published(&cluster, 20).await;
    env.until_redis_is_heard().await;
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_heard_while_the_others_of_its_node_are_silent() {
    let mut env = TestEnv::new("cluster_silence").await;
    let cluster = cluster(0).await;
    let streams = streams(cluster.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.until_redis_is_heard().await;
    let known = env.applied().await.len();
    env.stop_producer().await;
    // A read that waited for those of the other streams would take a second.
    let one_by_one = async {
        for number in 0..40 {
            let subject = env.subject_in(number % SHARDS);
            env.append(&subject, &["now"]).await;
            env.until_applied(known + usize::from(number) + 1).await;
        }
    };
    let patience = Duration::from_secs(15);
    tokio::time::timeout(patience, one_by_one).await.unwrap();
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_a_replica_takes_over_in_a_cluster() {
    let mut env = TestEnv::new("cluster_failover").await;
    let cluster = cluster(1).await;
    let streams = streams(cluster.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..30).await;
    env.until_applied(30).await;
    until_published(&cluster, 30).await;
    let (names, _) = look(&cluster).await.unwrap();
    let master = cluster.holder(&names[0]).await.unwrap();
    master.kill9().await.unwrap();
    env.append_many(30..60).await;
    env.until_applied(60).await;
    testkit::eventually(async || cluster.holder(&names[0]).await.is_ok()).await;
    cluster.until_ok().await.unwrap();
    until_published(&cluster, 60).await;
    env.until_redis_is_heard().await;

    let known = env.applied().await.len();
    env.stop_producer().await;
    env.append_many(60..90).await;
    let entries = env.until_applied(known + 30).await;
    assert!(entries.iter().all(|entry| entry.times == 1));
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_publishers_publish_each_event_once_over_a_cluster() {
    let env = TestEnv::new("cluster_publishers").await;
    let cluster = cluster(0).await;
    let streams = streams(cluster.url());
    let first = Running::publisher(env.publisher(&streams));
    let second = Running::publisher(env.publisher(&streams));
    env.append_many(0..200).await;
    until_published(&cluster, 200).await;
    cluster.flush_all().await.unwrap();
    until_published(&cluster, 200).await;
    first.stop().await;
    second.stop().await;
    assert_eq!(look(&cluster).await.unwrap().1, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_moves_to_another_node_is_followed_there_at_every_step() {
    let mut env = TestEnv::new("cluster_moving").await;
    let cluster = cluster(0).await;
    let streams = streams(cluster.url());
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    let subject = env.subject_in(0);
    env.append(&subject, &["1"]).await;
    env.until_applied(1).await;
    until_published(&cluster, 1).await;
    env.stop_producer().await;

    let (names, _) = look(&cluster).await.unwrap();
    let [name]: [String; 1] = names.try_into().unwrap();
    let from = cluster.holder(&name).await.unwrap().port();
    let to = cluster.nodes().iter().find(|node| node.port() != from);
    cluster.begin_to_move(&name, to.unwrap()).await.unwrap();
    env.append(&subject, &["2", "3"]).await;
    env.until_applied(3).await;
    cluster.move_to(&name, to.unwrap()).await.unwrap();
    env.append(&subject, &["4", "5"]).await;
    let entries = env.until_applied(5).await;
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["1", "2", "3", "4", "5"]);
    consumer.stop().await;
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_reached_over_tls_as_a_user_who_may_do_no_more_than_is_needed() {
    let mut env = TestEnv::new("cluster_tls").await;
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::generate(folder.path()).unwrap();
    let user = "intake on >a,b ~vigie:* -@all +xadd +xread +xinfo|stream +xtrim +expire \
                +ping +asking +cluster|slots";
    let cluster = RedisCluster::start(RedisClusterOptions {
        node: RedisOptions {
            users: vec![user.to_owned()],
            tls: Some(certificates.clone()),
            ..RedisOptions::default()
        },
        ..RedisClusterOptions::default()
    })
    .await
    .unwrap();
    let url = cluster.tls_url().unwrap().replace("://", "://intake:a,b@");
    let streams = streams_by(&EventLogConfig {
        redis_url: Some(url.into()),
        redis_mode: RedisMode::Cluster,
        redis_ca_file: Some(certificates.ca_file()),
        ..EventLogConfig::default()
    });
    let publisher = Running::publisher(env.publisher(&streams));
    let consumer = Running::consumer(env.consumer_over(&Ledger::new(), Some(streams)));
    env.append_many(0..10).await;
    env.until_applied(10).await;
    env.until_redis_is_heard().await;
    let known = env.applied().await.len();
    env.stop_producer().await;
    env.append_many(10..30).await;
    env.until_applied(known + 20).await;
    consumer.stop().await;
    publisher.stop().await;
}
