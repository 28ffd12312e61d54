//! Memories: they grow in time that does not depend on their size, and the host reads and writes them.

use anyhow::{Result, ensure};
use multi_out_wasm::{Error, Instance, Linker, Module, PAGE, Store, Trap};
use std::time::{Duration, Instant};

const GROWING: &str = r#"(module
    (memory (export "memory") 1)
    (global (export "global") i32 (i32.const 0))
    (func (export "grow") (param $pages i32) (result i32)
        (loop $again
            (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
            ;; The last byte, which must be zero, becomes one.
            (if (i32.load8_u (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)))
                (then (unreachable)))
            (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.const 1))
            (br_if $again (local.tee $pages (i32.sub (local.get $pages) (i32.const 1)))))
        (memory.size)))"#;

/// To copy all of it each time takes a hundred times as long.
#[test]
fn a_memory_grows_two_thousand_times() -> Result<()> {
    let module = Module::from_text(GROWING)?;
    let mut store = Store::new()?;
    let instance = Instance::new(&mut store, &module, &Linker::new())?;
    let grow = instance.typed::<fn(i32) -> i32>(&store, "grow")?;
    let start = Instant::now();
    assert_eq!(grow.call(&mut store, 2000)?, 2001);
    let took = start.elapsed();
    ensure!(took < Duration::from_secs(8), "it took {took:?}");
    let memory = instance.memory("memory")?;
    for page in 0..=2000 {
        let mut bytes = [7; 2];
        let last = page * PAGE as u32 + (PAGE as u32 - 1);
        memory.read(last - 1, &mut bytes)?;
        assert_eq!(bytes, [0, u8::from(page > 0)], "page {page}");
    }
    Ok(())
}

#[test]
fn the_host_reads_and_writes_a_memory() -> Result<()> {
    let module = Module::from_text(GROWING)?;
    let mut store = Store::new()?;
    let instance = Instance::new(&mut store, &module, &Linker::new())?;
    let memory = instance.memory("memory")?;
    let end = PAGE as u32;
    memory.write(end - 3, b"abc")?;
    let mut bytes = [0; 4];
    memory.read(end - 4, &mut bytes)?;
    assert_eq!(&bytes, b"\0abc");
    assert_eq!(memory.write(end - 3, b"wxyz"), Err(Trap::MemoryOutOfBounds));
    assert_eq!(memory.write(u32::MAX, b"z"), Err(Trap::MemoryOutOfBounds));
    assert_eq!(
        memory.read(end - 3, &mut bytes),
        Err(Trap::MemoryOutOfBounds)
    );
    memory.read(end - 4, &mut bytes)?;
    assert_eq!(&bytes, b"\0abc", "a write beyond the end writes nothing");
    memory.write(end, b"")?;
    for name in ["global", "grow", "nothing"] {
        let error = instance.memory(name).err();
        ensure!(
            matches!(error, Some(Error::UnknownExport { kind: "memory", .. })),
            "{name}: {error:?}"
        );
    }
    Ok(())
}
