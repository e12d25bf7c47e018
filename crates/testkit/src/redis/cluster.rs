//! A private Redis Cluster.

use anyhow::{Context as _, Result};

use super::{Purpose, Redis, RedisOptions, url};
use crate::{eventually::until, folder::Folder};

const MASTERS: u16 = 3;
const SLOTS: u16 = 16_384;

/// Three masters that share the keys among them, each with its replicas; they end
/// with this process.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
    options: RedisOptions,
}

/// What a cluster may be told at its start.
#[derive(Debug, Clone, Default)]
pub struct RedisClusterOptions {
    /// How many replicas each master has.
    pub replicas: u16,
    /// What every node is told; a folder or a port of its own is left out.
    pub node: RedisOptions,
}

impl RedisCluster {
    /// Starts the nodes and returns when the cluster takes commands.
    pub async fn start(options: RedisClusterOptions) -> Result<Self> {
        let mut node = RedisOptions {
            folder: Folder::ThrowAway,
            port: None,
            ..options.node
        };
        let own = [
            ("cluster-node-timeout", "2000"),
            ("repl-diskless-sync-delay", "0"),
        ];
        // What was asked for comes last and wins.
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        node.settings.splice(0..0, own);
        let mut nodes = Vec::new();
        for _ in 0..MASTERS * (1 + options.replicas) {
            nodes.push(Redis::start_as(Purpose::ClusterNode, node.clone()).await?);
        }
        let cluster = Self {
            nodes,
            options: node,
        };
        cluster.join().await.context("forming a Redis Cluster")?;
        Ok(cluster)
    }

    /// The address of all nodes, as a list of hosts in one URL.
    pub fn url(&self) -> String {
        url("redis", &self.options, self.nodes.iter().map(Redis::port))
    }

    /// The same for who comes by TLS.
    pub fn tls_url(&self) -> Option<String> {
        let ports: Option<Vec<u16>> = self.nodes.iter().map(|node| node.0.tls_port).collect();
        Some(url("rediss", &self.options, ports?))
    }

    /// The nodes, masters first, as they were at the start.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// Waits until every node that runs says that the cluster takes commands.
    pub async fn until_ok(&self) -> Result<()> {
        until("cluster_state:ok on every node", async || {
            for node in &self.nodes {
                match node.command(&["CLUSTER", "INFO"]).await {
                    Ok(info) if !info.contains("cluster_state:ok") => return false,
                    _ => {}
                }
            }
            true
        })
        .await
    }

    /// Empties every node that runs.
    pub async fn flush_all(&self) -> Result<()> {
        for node in &self.nodes {
            match node.command(&["ROLE"]).await {
                Ok(role) if role.starts_with("master") => node.flush_all().await?,
                // A replica is emptied with its master.
                _ => {}
            }
        }
        Ok(())
    }

    /// The node that holds a key now, as those say that run.
    pub async fn holder(&self, key: &str) -> Result<&Redis> {
        let slot = self.slot(key).await?;
        for node in &self.nodes {
            let Ok(own) = node.command(&["CLUSTER", "NODES"]).await else {
                continue;
            };
            let holds = own
                .lines()
                .any(|line| line.contains("myself,master") && has_slot(line, slot));
            if holds {
                return Ok(node);
            }
        }
        anyhow::bail!("no node holds {key}")
    }

    /// Moves a key, with all keys of its slot, to another node, as an operator does
    /// who shares the load anew.
    pub async fn move_to(&self, key: &str, to: &Redis) -> Result<()> {
        let from = self.holder(key).await?;
        self.begin_to_move(key, to).await?;
        let slot = self.slot(key).await?.to_string();
        let target = id(to).await?;
        for node in [to, from] {
            node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &target])
                .await?;
        }
        Ok(())
    }

    /// Does the same, but for the last step: the other node has the keys, and the slot
    /// is not its own yet.
    pub async fn begin_to_move(&self, key: &str, to: &Redis) -> Result<()> {
        let from = self.holder(key).await?;
        let slot = self.slot(key).await?.to_string();
        let (source, target) = (id(from).await?, id(to).await?);
        let set = ["CLUSTER", "SETSLOT", slot.as_str()];
        to.command(&[&set[..], &["IMPORTING", &source]].concat())
            .await?;
        from.command(&[&set[..], &["MIGRATING", &target]].concat())
            .await?;
        let keys = from
            .command(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"])
            .await?;
        let port = to.announced().to_string();
        for key in keys.lines() {
            let migrate = ["MIGRATE", "127.0.0.1", &port, key, "0", "5000"];
            from.command(&migrate).await?;
        }
        Ok(())
    }

    async fn slot(&self, key: &str) -> Result<u16> {
        for node in &self.nodes {
            if let Ok(slot) = node.command(&["CLUSTER", "KEYSLOT", key]).await {
                return Ok(slot.parse()?);
            }
        }
        anyhow::bail!("no node runs")
    }

    /// Gives out the slots, and makes the nodes known to each other.
    async fn join(&self) -> Result<()> {
        let (masters, replicas) = self.nodes.split_at(usize::from(MASTERS));
        for (number, master) in (0..MASTERS).zip(masters) {
            let first = SLOTS / MASTERS * number;
            let last = if number + 1 == MASTERS {
                SLOTS - 1
            } else {
                SLOTS / MASTERS * (number + 1) - 1
            };
            let range = [first.to_string(), last.to_string()];
            master
                .command(&["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]])
                .await?;
        }
        for (epoch, node) in (1..).zip(&self.nodes) {
            let epoch: u16 = epoch;
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()])
                .await?;
        }
        for node in &self.nodes[1..] {
            let port = node.announced().to_string();
            let bus = node.0.bus_port.context("no bus port")?.to_string();
            self.nodes[0]
                .command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])
                .await?;
        }
        let known = format!("cluster_known_nodes:{}\r", self.nodes.len());
        for node in &self.nodes {
            until("nodes that know each other", async || {
                let info = node.command(&["CLUSTER", "INFO"]).await;
                info.is_ok_and(|info| info.contains(&known))
            })
            .await?;
        }
        for (replica, master) in replicas.iter().zip(masters.iter().cycle()) {
            replica
                .command(&["CLUSTER", "REPLICATE", &id(master).await?])
                .await?;
        }
        for replica in replicas {
            replica.until_it_follows().await?;
        }
        self.until_ok().await
    }
}

async fn id(node: &Redis) -> Result<String> {
    node.command(&["CLUSTER", "MYID"]).await
}

/// Whether a line of `CLUSTER NODES` lists the slot, as in `… connected 0-5460 7000`.
fn has_slot(line: &str, slot: u16) -> bool {
    line.split(' ').skip(8).any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let ends = (first.parse::<u16>(), last.parse::<u16>());
        matches!(ends, (Ok(first), Ok(last)) if (first..=last).contains(&slot))
    })
}
