//! The fork serves a real runtime: host calls through Wasmtime, whose Cranelift is this one.

use wasmtime::{Caller, Engine, Func, FuncType, Instance, Module, Store, Val, ValType};

fn instance(store: &mut Store<u64>, wat: &str, host: Func) -> Instance {
    let module = Module::new(store.engine(), wat).unwrap();
    Instance::new(store, &module, &[host.into()]).unwrap()
}

const MIXED: &str = r#"
    (module
      (import "" "" (func $host (param i32) (result i32 i64 f32 f64)))
      (func (export "call") (param i32) (result i32 i64 f32 f64)
        (call $host (local.get 0))))"#;

#[test]
fn results_of_a_wrapped_function_arrive() {
    let mut store = Store::new(&Engine::default(), 0);
    let host = Func::wrap(&mut store, |mut caller: Caller<u64>, x: i32| {
        *caller.data_mut() += 1;
        (
            x + 1,
            i64::from(x) << 40,
            x as f32 / 2.0,
            f64::from(x) / 4.0,
        )
    });
    let instance = instance(&mut store, MIXED, host);
    let call = instance
        .get_typed_func::<i32, (i32, i64, f32, f64)>(&mut store, "call")
        .unwrap();
    assert_eq!(call.call(&mut store, 5).unwrap(), (6, 5 << 40, 2.5, 1.25));
    assert_eq!(
        call.call(&mut store, -1).unwrap(),
        (0, -1 << 40, -0.5, -0.25)
    );
    assert_eq!(*store.data(), 2);
}

#[test]
fn many_results_of_an_untyped_function_arrive_in_order() {
    for count in [1, 2, 17, 100, 1000] {
        let mut store = Store::new(&Engine::default(), 0);
        let ty = FuncType::new(store.engine(), [], vec![ValType::I64; count]);
        let host = Func::new(&mut store, ty, |_, _, results| {
            for (index, result) in results.iter_mut().enumerate() {
                *result = Val::I64(0x1111_0000 + index as i64);
            }
            Ok(())
        });
        let results = "i64 ".repeat(count);
        let wat = format!(
            "(module (import \"\" \"\" (func $host (result {results})))
               (func (export \"call\") (result {results}) (call $host)))"
        );
        let instance = instance(&mut store, &wat, host);
        let call = instance.get_func(&mut store, "call").unwrap();
        let mut values = vec![Val::I64(0); count];
        call.call(&mut store, &[], &mut values).unwrap();
        for (index, value) in values.iter().enumerate() {
            assert_eq!(value.unwrap_i64(), 0x1111_0000 + index as i64, "of {count}");
        }
    }
}

#[test]
fn an_error_of_the_host_ends_the_call() {
    let mut store = Store::new(&Engine::default(), 0);
    let host = Func::wrap(
        &mut store,
        |x: i32| -> wasmtime::Result<(i32, i64, f32, f64)> {
            wasmtime::ensure!(x != 3, "three is refused");
            Ok((x, 0, 0.0, 0.0))
        },
    );
    let instance = instance(&mut store, MIXED, host);
    let call = instance
        .get_typed_func::<i32, (i32, i64, f32, f64)>(&mut store, "call")
        .unwrap();
    assert_eq!(call.call(&mut store, 2).unwrap().0, 2);
    let error = call.call(&mut store, 3).unwrap_err();
    assert!(
        format!("{error:?}").contains("three is refused"),
        "{error:?}"
    );
}

#[test]
fn a_host_function_calls_back_into_webassembly() {
    let mut store = Store::new(&Engine::default(), 0);
    let host = Func::wrap(&mut store, |mut caller: Caller<u64>, x: i32| {
        let twice = caller.get_export("twice").and_then(|e| e.into_func());
        let twice = twice.unwrap().typed::<i32, (i32, i64)>(&caller).unwrap();
        let (a, b) = twice.call(&mut caller, x).unwrap();
        (b, a, x)
    });
    let wat = r#"
        (module
          (import "" "" (func $host (param i32) (result i64 i32 i32)))
          (func (export "twice") (param i32) (result i32 i64)
            (i32.add (local.get 0) (local.get 0))
            (i64.extend_i32_s (local.get 0)))
          (func (export "call") (param i32) (result i64 i32 i32)
            (call $host (local.get 0))))"#;
    let instance = instance(&mut store, wat, host);
    let call = instance
        .get_typed_func::<i32, (i64, i32, i32)>(&mut store, "call")
        .unwrap();
    assert_eq!(call.call(&mut store, -7).unwrap(), (-7, -14, -7));
}
