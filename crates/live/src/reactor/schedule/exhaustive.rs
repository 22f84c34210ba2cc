//! Every course of a small world: the model of `model`, through all sequences of steps up to a length.

use super::model::{Step, Try, World};

/// With two entities and three events in the log.
const STEPS: [Step; 13] = [
    Step::Held(Try::Done),
    Step::Held(Try::Retry),
    Step::Held(Try::Park),
    Step::Feed(Try::Done),
    Step::Feed(Try::Retry),
    Step::Feed(Try::Park),
    Step::Pass,
    Step::Save,
    Step::Crash,
    Step::Replay(None),
    Step::Skip(0),
    Step::Park(0),
    Step::Reset(1),
];

fn world(course: &[Step]) -> Option<World> {
    let mut world = World::new();
    for entity in [0, 1, 0] {
        world.step(Step::Append(entity));
    }
    // A course with a step that changes nothing is another, shorter one.
    course.iter().all(|step| world.step(*step)).then_some(world)
}

/// Walks on from a course; gives how many there are.
fn walk(course: &mut Vec<Step>, length_max: usize) -> u64 {
    let Some(mut reached) = world(course) else {
        return 0;
    };
    reached.finish();
    if course.len() == length_max {
        return 1;
    }
    let mut courses = 1;
    for step in STEPS {
        course.push(step);
        courses += walk(course, length_max);
        course.pop();
    }
    courses
}

#[test]
fn every_course_of_a_small_world_holds() {
    let courses = walk(&mut Vec::new(), 6);
    assert!(courses > 10_000, "{courses} courses");
}
