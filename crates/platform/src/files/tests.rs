//! Files that change, break, go and come back.

use super::*;

struct Sample(tempfile::TempDir);

impl Sample {
    fn of(text: &str) -> Self {
        let sample = Self(tempfile::tempdir().unwrap());
        sample.write(text);
        sample
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("number")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn kept(&self, files: &Files) -> Watched<u32> {
        let path = self.path();
        let named = [("SAMPLE_FILE", Some(self.path()))];
        let named = named.iter().map(|(name, path)| (*name, path.as_deref()));
        let kept = files.watch(named, move || {
            let text = fs::read_to_string(&path)
                .map_err(|cause| StartError::unusable("SAMPLE_FILE", cause))?;
            text.parse()
                .map_err(|_| StartError::unusable("SAMPLE_FILE", "not a number"))
        });
        kept.unwrap()
    }
}

fn told(metrics: &Metrics, name: &str) -> i64 {
    let told = metrics.encode();
    let line = format!("{name}{{variable=\"SAMPLE_FILE\"}} ");
    let value = told.split_once(&line).unwrap().1.lines().next().unwrap();
    value.parse().unwrap()
}

#[tokio::test]
async fn a_changed_file_is_used_and_a_broken_one_leaves_the_last() {
    let metrics = Metrics::new();
    let files = Files::new(&metrics);
    let unusable = || told(&metrics, "vigie_file_unusable");
    let sample = Sample::of("1");
    let kept = sample.kept(&files);
    assert_eq!(*kept.current(), 1);

    sample.write("2");
    files.poll().await;
    assert_eq!((*kept.current(), unusable()), (2, 0));

    sample.write("two");
    files.poll().await;
    assert_eq!((*kept.current(), unusable()), (2, 1));

    fs::remove_file(sample.path()).unwrap();
    files.poll().await;
    assert_eq!((*kept.current(), unusable()), (2, 1));

    sample.write("3");
    files.poll().await;
    assert_eq!((*kept.current(), unusable()), (3, 0));
}

#[tokio::test]
async fn a_file_that_is_written_again_as_it_was_is_not_read_again() {
    let metrics = Metrics::new();
    let files = Files::new(&metrics);
    let sample = Sample::of("1");
    let kept = sample.kept(&files);
    let first = kept.current();
    let read_at = files.metrics.read_at.clone();
    read_at
        .get_or_create_owned(&VariableLabel {
            variable: "SAMPLE_FILE",
        })
        .set(7);

    sample.write("1");
    files.poll().await;
    assert!(Arc::ptr_eq(&first, &kept.current()));
    assert_eq!(told(&metrics, "vigie_file_read_timestamp_seconds"), 7);

    sample.write("2");
    files.poll().await;
    assert!(told(&metrics, "vigie_file_read_timestamp_seconds") > 7);
}

#[tokio::test]
async fn a_variable_is_well_when_all_that_was_made_of_it_is() {
    let metrics = Metrics::new();
    let files = Files::new(&metrics);
    let sample = Sample::of("1");
    let path = sample.path();
    let found = FileState::of([("SAMPLE_FILE", Some(sample.path().as_path()))]);
    files.on_change(found.unwrap(), move || {
        let text = fs::read_to_string(&path).unwrap();
        let refused = || StartError::unusable("SAMPLE_FILE", "not two");
        async move { if text == "2" { Err(refused()) } else { Ok(()) } }.boxed()
    });
    let kept = sample.kept(&files);
    sample.write("2");
    files.poll().await;
    assert_eq!(*kept.current(), 2);
    assert_eq!(told(&metrics, "vigie_file_unusable"), 1);
}

#[tokio::test]
async fn a_panic_on_what_a_file_holds_leaves_the_last() {
    let metrics = Metrics::new();
    let files = Files::new(&metrics);
    let sample = Sample::of("1");
    let path = sample.path();
    let named = [("SAMPLE_FILE", Some(path.as_path()))];
    let path = path.clone();
    let kept = files.watch(named, move || {
        let text = fs::read_to_string(&path).unwrap();
        Ok(text.parse::<u32>().unwrap())
    });
    let kept = kept.unwrap();
    sample.write("one");
    files.poll().await;
    assert_eq!(*kept.current(), 1);
    assert_eq!(told(&metrics, "vigie_file_unusable"), 1);
}

#[tokio::test(start_paused = true)]
async fn files_are_looked_at_until_the_shutdown() {
    let files = Files::default();
    let sample = Sample::of("1");
    let kept = sample.kept(&files);
    let shutdown = CancellationToken::new();
    let change = async {
        sample.write("2");
        testkit::eventually(async || *kept.current() == 2).await;
        shutdown.cancel();
    };
    tokio::join!(files.clone().run(shutdown.clone()), change);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_read_again_when_its_poll_was_dropped() {
    let files = Files::default();
    let sample = Sample::of("1");
    let found = FileState::of([("SAMPLE_FILE", Some(sample.path().as_path()))]);
    let reads = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&reads);
    files.on_change(found.unwrap(), move || {
        let mut reads = counted.lock().unwrap();
        *reads += 1;
        match *reads {
            1 => std::future::pending().boxed(),
            _ => std::future::ready(Ok(())).boxed(),
        }
    });
    sample.write("2");
    let dropped = tokio::time::timeout(POLL_EVERY, files.poll()).await;
    assert!(dropped.is_err());
    files.poll().await;
    files.poll().await;
    assert_eq!(*reads.lock().unwrap(), 2);
}
