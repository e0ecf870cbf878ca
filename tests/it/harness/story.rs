//! Tells each story twice: on SQLite with the in-process cache, and on PostgreSQL with Redis.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt as _;

use super::template::Ground;
use super::world::{World, WorldKind};

/// `story!(name_of_the_rule, async |world| { … })` makes the tests `name_of_the_rule::sqlite` and
/// `name_of_the_rule::postgres`; scripts/test.sh compares the two lists. Without a PostgreSQL the second one fails.
/// The world has the reference data of a first start; with `empty` before the name it has none.
macro_rules! story {
    ($(#[doc = $doc:literal])* empty $name:ident, $story:expr $(,)?) => {
        story!(@ [$($doc)*] Empty $name, $story);
    };
    ($(#[doc = $doc:literal])* $name:ident, $story:expr $(,)?) => {
        story!(@ [$($doc)*] Loaded $name, $story);
    };
    (@ [$($doc:literal)*] $ground:ident $name:ident, $story:expr) => {
        $(#[doc = $doc])*
        fn $name() -> impl AsyncFnOnce(&$crate::harness::world::World) {
            $story
        }

        mod $name {
            use $crate::harness::{story::tell, template::Ground, world::WorldKind};

            #[test]
            fn sqlite() {
                tell(WorldKind::Sqlite, Ground::$ground, super::$name());
            }

            #[test]
            fn postgres() {
                tell(WorldKind::Postgres, Ground::$ground, super::$name());
            }
        }
    };
}
pub(crate) use story;

/// Opens a world, tells the story in it, and leaves nothing behind, also when the story fails.
pub(crate) fn tell(kind: WorldKind, ground: Ground, story: impl AsyncFnOnce(&World)) {
    actix_web::rt::System::new().block_on(async {
        let world = World::open(kind, ground).await;
        let told = AssertUnwindSafe(story(&world)).catch_unwind().await;
        let closed = AssertUnwindSafe(world.close()).catch_unwind().await;
        // the story's own failure says more than what follows from it
        for outcome in [told, closed] {
            if let Err(panic) = outcome {
                tell_why(panic.as_ref());
                resume_unwind(panic);
            }
        }
    });
}

/// The gateway's own hook withholds the message of a panic; the people of the stories are made up.
#[expect(clippy::print_stderr, reason = "a failed story says why")]
fn tell_why(panic: &(dyn Any + Send)) {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    eprintln!("the story failed: {}", text.unwrap_or("without a message"));
}
