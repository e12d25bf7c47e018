//! The private Redis Cluster and the private sentinel keep their promises.

use testkit::{RedisCluster, RedisClusterOptions, RedisSentinel, RedisSentinelOptions, eventually};

async fn cluster(replicas: u16) -> RedisCluster {
    RedisCluster::start(RedisClusterOptions {
        replicas,
        ..RedisClusterOptions::default()
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_nodes_of_a_cluster_share_the_keys() {
    let cluster = cluster(0).await;
    assert_eq!(cluster.nodes().len(), 3);
    let mut held = [0; 3];
    for key in (0..30).map(|number| number.to_string()) {
        let holder = cluster.holder(&key).await.unwrap();
        assert_eq!(holder.command(&["SET", &key, "x"]).await.unwrap(), "OK");
        for (node, held) in cluster.nodes().iter().zip(&mut held) {
            *held += usize::from(node.port() == holder.port());
        }
    }
    assert!(held.iter().all(|held| *held > 0), "{held:?}");

    cluster.flush_all().await.unwrap();
    for node in cluster.nodes() {
        assert_eq!(node.command(&["DBSIZE"]).await.unwrap(), "0");
    }
}

#[tokio::test]
async fn a_killed_node_comes_back_empty_into_its_cluster() {
    let cluster = cluster(0).await;
    let holder = cluster.holder("key").await.unwrap();
    holder.command(&["SET", "key", "value"]).await.unwrap();
    holder.kill9().await.unwrap();
    holder.restart().await.unwrap();
    cluster.until_ok().await.unwrap();
    let again = cluster.holder("key").await.unwrap();
    assert_eq!(again.port(), holder.port());
    assert_eq!(again.command(&["GET", "key"]).await.unwrap(), "");
}

#[tokio::test]
async fn a_key_moves_to_another_node_with_its_value() {
    let cluster = cluster(0).await;
    let before = cluster.holder("key").await.unwrap();
    before.command(&["SET", "key", "value"]).await.unwrap();
    let others = cluster.nodes().iter();
    let to = others
        .clone()
        .find(|node| node.port() != before.port())
        .unwrap();
    cluster.move_to("key", to).await.unwrap();
    assert_eq!(cluster.holder("key").await.unwrap().port(), to.port());
    assert_eq!(to.command(&["GET", "key"]).await.unwrap(), "value");
    let refusal = before.command(&["GET", "key"]).await.unwrap_err();
    assert!(refusal.to_string().contains("MOVED"), "{refusal}");
}

#[tokio::test]
async fn the_replica_of_a_killed_master_takes_its_keys() {
    let cluster = cluster(1).await;
    assert_eq!(cluster.nodes().len(), 6);
    let master = cluster.holder("key").await.unwrap();
    master.kill9().await.unwrap();
    eventually(async || {
        let holder = cluster.holder("key").await;
        holder.is_ok_and(|holder| holder.port() != master.port())
    })
    .await;
}

#[tokio::test]
async fn the_replica_of_a_killed_master_is_promoted_by_the_sentinel() {
    let sentinel = RedisSentinel::start(RedisSentinelOptions::default())
        .await
        .unwrap();
    let first = sentinel.master().await.unwrap();
    first.command(&["SET", "key", "value"]).await.unwrap();
    let killed = sentinel.fail_over().await.unwrap();
    assert_eq!(killed.port(), first.port());
    let second = sentinel.master().await.unwrap();
    assert_eq!(second.command(&["SET", "other", "x"]).await.unwrap(), "OK");
}
