//! The gateway itself, inside the test and as a process, in each world.

use std::time::Duration;

use serde_json::json;

use crate::harness::app::TestApp;
use crate::harness::gql::Gql;
use crate::harness::process::Gateway;
use crate::harness::story::story;

const STOP_TIME: Duration = Duration::from_secs(15);

story!(a_gateway_in_the_test_answers_and_stops, async |world| {
    let app = TestApp::start(world).await;
    let data = app.anybody().data("{ __typename }", json!({})).await;
    assert_eq!(data, json!({ "__typename": "Query" }));
    app.stop(world).await;
});

story!(
    a_process_is_killed_frozen_and_started_again_on_its_port,
    async |world| {
        let mut gateway = Gateway::start(world, &[]).await;
        let caller = Gql::anonymous(gateway.address());
        let ask = async || caller.try_ask("{ __typename }", json!({})).await;
        assert_eq!(ask().await.unwrap().status, 200);
        gateway.kill();
        assert!(ask().await.is_err(), "nobody listens");
        gateway.start_again().await;
        assert_eq!(ask().await.unwrap().at("/__typename"), "Query");
        gateway.freeze();
        assert!(
            tokio::time::timeout(Duration::from_millis(300), ask())
                .await
                .is_err(),
            "it hangs"
        );
        gateway.thaw();
        assert_eq!(ask().await.unwrap().status, 200);
        assert!(gateway.terminate(STOP_TIME).await.success(), "{}", gateway.log());
    }
);
