;; An import with two results, and an export that swaps them.
(module
  (import "" "" (func $foo (result i32 i32)))
  (func (export "swap") (result i32 i32)
    (call $exchange (call $foo)))
  (func $exchange (param i32 i32) (result i32 i32)
    (local.get 1)
    (local.get 0)))
