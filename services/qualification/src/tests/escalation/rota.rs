//! Who is on call, as operators keep it.

use super::*;

fn shift(from_hours: i64, to_hours: i64, email: &str) -> pb::RotaShift {
    let now = platform::now();
    let at = |hours| Some(service::wire::timestamp(now + Duration::hours(hours)));
    pb::RotaShift {
        starts_at: at(from_hours),
        ends_at: at(to_hours),
        people: vec![pb::RotaPerson {
            name: "Dominique Martin".to_owned(),
            email: email.to_owned(),
            subject: "dm".to_owned(),
        }],
    }
}

async fn listed(env: &TestEnv, page_size: u32, page_token: String) -> pb::ListRotaResponse {
    let request = pb::ListRotaRequest {
        page_size,
        page_token,
    };
    let listed = env.escalation_client(&operator()).list_rota(request).await;
    listed.unwrap().into_inner()
}

#[tokio::test]
async fn a_rota_is_put_whole_and_listed_in_its_order_without_what_is_over() {
    let env = TestEnv::start().await;
    env.put_rota(rota()).await.unwrap();
    let (over, now) = (
        shift(-9, -1, "a@example.org"),
        shift(-1, 8, "b@example.org"),
    );
    let next = shift(8, 16, "c@example.org");
    let put = env.put_rota(vec![next.clone(), over, now.clone()]).await;
    assert_eq!(put.unwrap(), 2);
    let first = listed(&env, 1, String::new()).await;
    assert_eq!(first.shifts, [now]);
    let second = listed(&env, 1, first.next_page_token).await;
    assert_eq!(second.shifts, [next]);
    assert_eq!(second.next_page_token, "");
    assert_eq!(env.put_rota(Vec::new()).await.unwrap(), 0);
    assert!(listed(&env, 0, String::new()).await.shifts.is_empty());
}

#[tokio::test]
async fn a_rota_that_is_refused_leaves_the_one_there_is() {
    let env = TestEnv::start().await;
    env.put_rota(rota()).await.unwrap();
    let overlapping = vec![shift(0, 8, "a@example.org"), shift(7, 9, "b@example.org")];
    let refused = env.put_rota(overlapping).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(
        servicetest::violations(&refused),
        [("shifts[1].starts_at".to_owned(), "CONFLICT".to_owned())]
    );
    let kept = listed(&env, 0, String::new()).await.shifts;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].people[0].email, CAMILLE);
}

#[tokio::test]
async fn the_people_of_the_rota_rest_sealed_under_a_key_that_goes_with_it() {
    let env = TestEnv::start().await;
    env.put_rota(rota()).await.unwrap();
    let clear = "select count(*) from rota_shift
                 where position('camille'::bytea in sealed_people) > 0";
    assert_eq!(env.count(clear).await, 0);
    let keys = "select count(distinct data_key) from rota_shift";
    assert_eq!(env.count(keys).await, 1);
    let key: Vec<u8> = sqlx::query_scalar("select data_key from rota_shift")
        .fetch_one(&env.pool)
        .await
        .unwrap();
    env.put_rota(rota()).await.unwrap();
    let kept: i64 = sqlx::query_scalar("select count(*) from rota_shift where data_key = $1")
        .bind(key)
        .fetch_one(&env.pool)
        .await
        .unwrap();
    assert_eq!(kept, 0);
    let trail = env.audited("op").await;
    assert!(!format!("{trail:?}").contains("amille"), "{trail:?}");
}
