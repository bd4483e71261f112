!p = !perdure.ptr<i64, "inverted-offset">
!pair = !perdure.record<"pair", "inverted-offset", body {a: !perdure.ptr<i64>, b: !perdure.ptr<i64>}>
func.func @fold(%b: !p, %r: !perdure.native<!pair>) -> !p {
  %a = perdure.field %r["a"] : !perdure.native<!pair>
  %c = perdure.field %r["b"] : !perdure.native<!pair>
  %p = perdure.decode %b at %a : !p
  %d = perdure.encode %p at %c : !p
  return %d : !p
}
func.func @follow(%c: !perdure.native<!p>) -> i64 {
  %b = perdure.load %c : !perdure.native<!p>
  %p = perdure.decode %b at %c : !p
  %v = perdure.load %p : !perdure.native<i64>
  return %v : i64
}
