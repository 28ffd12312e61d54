;; Four results of four types, by a table of functions, and a host that may refuse.
(module
  (type $mixed (func (param i32 i64 f32 f64) (result i32 i64 f32 f64)))
  (import "host" "mixed" (func $mixed (type $mixed)))
  (table funcref (elem $mixed))
  (func (export "grow") (type $mixed)
    (call_indirect (type $mixed)
      (call $mixed (local.get 0) (local.get 1) (local.get 2) (local.get 3))
      (i32.const 0))))
