//! Views: versions, files, and what is told where one cannot be right.

use crate::common::{Add, Meeting, Place, Tally, TallyView, bytes_of, overwrite};
use cqrs_es::persist::{GenericQuery, PersistenceError, ViewContext, ViewRepository};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::Durability;
use strandline::Store;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{CopyMode, Existing, backup, restore};
use strandline_cqrs_es::{StrandlineViewRepository, strandline_cqrs};

type Views = StrandlineViewRepository<TallyView, Tally>;

fn open(store: &Arc<Store>) -> Views {
    Views::open(store, "tallies").unwrap()
}

fn view(total: u64) -> TallyView {
    TallyView {
        total,
        ..TallyView::default()
    }
}

async fn update(views: &Views, id: &str, version: i64, total: u64) -> Result<(), PersistenceError> {
    views
        .update_view(view(total), ViewContext::new(id.to_owned(), version))
        .await
}

async fn loaded(views: &Views, id: &str) -> Option<(u64, i64)> {
    let found = views.load_with_context(id).await.unwrap();
    let alone = views.load(id).await.unwrap();
    assert_eq!(alone.as_ref(), found.as_ref().map(|(view, _)| view));
    found.map(|(view, context)| {
        assert_eq!(context.view_instance_id, id);
        (view.total, context.version)
    })
}

#[tokio::test]
async fn test_valid_view_repository() {
    for durability in [Durability::Synced, Durability::Written] {
        let place = Place::new();
        let views = open(&place.open()).durability(durability);
        assert_eq!(loaded(&views, "a").await, None);
        update(&views, "a", 0, 5).await.unwrap();
        assert_eq!(loaded(&views, "a").await, Some((5, 1)));
        update(&views, "a", 1, 7).await.unwrap();
        assert_eq!(loaded(&views, "a").await, Some((7, 2)));
        // Who loaded another version has to load again.
        for version in [0, 1, 3, -1, i64::MAX] {
            let refused = update(&views, "a", version, 9).await;
            assert!(
                matches!(refused, Err(PersistenceError::OptimisticLockError)),
                "{version}"
            );
        }
        let refused = update(&views, "b", 1, 9).await;
        assert!(matches!(
            refused,
            Err(PersistenceError::OptimisticLockError)
        ));
        assert_eq!(loaded(&views, "a").await, Some((7, 2)));
        assert_eq!(loaded(&views, "b").await, None);
        views.sync().await.unwrap();
        views.remove("a").await.unwrap();
        views.remove("a").await.unwrap();
        assert_eq!(loaded(&views, "a").await, None);
        assert!(place.kept("views").is_empty());
    }
}

#[tokio::test]
async fn of_updates_from_one_version_one_is_taken() {
    let place = Place::new();
    let views = Arc::new(open(&place.open()));
    for version in 0..4 {
        let tasks: Vec<_> = (1..=8)
            .map(|total| {
                let views = views.clone();
                tokio::spawn(async move { update(&views, "a", version, total).await.is_ok() })
            })
            .collect();
        let mut taken = 0;
        for task in tasks {
            taken += u32::from(task.await.unwrap());
        }
        assert_eq!(taken, 1);
        assert_eq!(loaded(&views, "a").await.unwrap().1, version + 1);
    }
}

#[tokio::test]
async fn names_and_ids_are_any_text() {
    let place = Place::new();
    let store = place.open();
    let texts = ["", "..", "../../x", "/", "LOCK", "a\0b", "ü:7", "new\nline"];
    let long = "x".repeat(10_000);
    let texts: Vec<_> = texts.into_iter().chain([&*long]).collect();
    let views: Vec<_> = texts
        .iter()
        .map(|name| {
            Views::open(&store, name)
                .unwrap()
                .durability(Durability::Written)
        })
        .collect();
    for (number, views) in (0..).zip(&views) {
        for (offset, id) in (0..).zip(&texts) {
            update(views, id, 0, number * 100 + offset).await.unwrap();
        }
    }
    for (number, views) in (0..).zip(&views) {
        for (offset, id) in (0..).zip(&texts) {
            assert_eq!(loaded(views, id).await, Some((number * 100 + offset, 1)));
        }
    }
    views[0].clear().await.unwrap();
    assert_eq!(loaded(&views[0], "").await, None);
    assert_eq!(loaded(&views[1], "").await, Some((100, 1)));
    let beside: Vec<_> = place.dir.path().read_dir().unwrap().collect();
    assert_eq!(beside.len(), 2, "nothing is elsewhere: {beside:?}");
}

#[tokio::test]
async fn views_have_one_holder_and_any_readers() {
    let place = Place::new();
    let store = place.open();
    let views = open(&store);
    let refused = Views::open(&store, "tallies").unwrap_err();
    assert!(
        matches!(refused, PersistenceError::ConnectionError(_)),
        "{refused}"
    );
    let reader = open(&place.read_only());
    assert_eq!(loaded(&reader, "a").await, None);
    update(&views, "a", 0, 5).await.unwrap();
    assert_eq!(loaded(&reader, "a").await, Some((5, 1)));
    let refused = update(&reader, "a", 1, 5).await;
    assert!(matches!(refused, Err(PersistenceError::ConnectionError(_))));
    assert!(reader.clear().await.is_err());
    drop(views);
    let views = open(&store);
    assert_eq!(loaded(&views, "a").await, Some((5, 1)));
    drop((views, store));
    assert_eq!(loaded(&open(&place.open()), "a").await, Some((5, 1)));
}

#[tokio::test]
async fn a_damaged_view_is_an_error_and_no_empty_one() {
    let place = Place::new();
    let views = open(&place.open()).durability(Durability::Written);
    update(&views, "a", 0, 5).await.unwrap();
    let file = place.kept("views").remove(0);
    let whole = bytes_of(&file);
    update(&views, "b", 0, 7).await.unwrap();
    let other = place
        .kept("views")
        .into_iter()
        .find(|other| *other != file)
        .unwrap();
    let mut contents = vec![Vec::new(), bytes_of(&other)];
    for place in 0..whole.len() {
        contents.push(whole[..place].to_vec());
        let mut changed = whole.clone();
        changed[place] ^= 0x10;
        contents.push(changed);
    }
    for content in contents {
        overwrite(&file, &content);
        let damaged = |error| matches!(error, PersistenceError::DeserializationError(_));
        assert!(views.load("a").await.is_err_and(damaged), "{content:?}");
        for version in [0, 1] {
            assert!(update(&views, "a", version, 9).await.is_err_and(damaged));
        }
    }
    views.remove("a").await.unwrap();
    update(&views, "a", 0, 9).await.unwrap();
    assert_eq!(loaded(&views, "a").await, Some((9, 1)));
}

#[tokio::test]
async fn a_view_of_before_a_restore_is_an_error() {
    let place = Place::new();
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let copy = place.dir.path().join("copy");
    let mut go_on = |_| ControlFlow::Continue(());
    let store = place.open();
    backup(&fs, &place.store_dir(), &copy, CopyMode::Copy, &mut go_on).unwrap();
    update(&open(&store), "a", 0, 5).await.unwrap();
    drop(store);
    restore(
        &fs,
        &copy,
        &place.store_dir(),
        Existing::MoveAside,
        &mut go_on,
    )
    .unwrap();
    let views = open(&place.open());
    let refused = views.load("a").await.unwrap_err();
    assert!(refused.to_string().contains("put back"), "{refused}");
    views.clear().await.unwrap();
    assert_eq!(loaded(&views, "a").await, None);
}

#[tokio::test]
async fn a_query_keeps_its_views_up_to_date() {
    let place = Place::new();
    let store = place.open();
    let views = Arc::new(open(&store));
    let mut query = GenericQuery::new(views.clone());
    query.use_error_handler(Box::new(|error| panic!("{error}")));
    let framework = strandline_cqrs::<Tally>(&store, vec![Box::new(query)], Meeting::default());
    framework.execute("a", Add(vec![1, 2])).await.unwrap();
    framework.execute("b", Add(vec![4])).await.unwrap();
    framework.execute("a", Add(vec![8])).await.unwrap();
    let view = views.load("a").await.unwrap().unwrap();
    assert_eq!((view.total, view.sequences), (11, vec![1, 2, 3]));
    assert_eq!(loaded(&views, "a").await.unwrap().1, 2);
    assert_eq!(loaded(&views, "b").await, Some((4, 1)));
}
