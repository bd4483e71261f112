// Valid, and of no use to anybody: no pass hangs or breaks on it.
// RUN: perdure-opt %s --canonicalize -o /dev/null
// RUN: perdure-opt %s --perdure-hoist-bases --canonicalize -o /dev/null
// RUN: perdure-opt %s --perdure-to-llvm -o /dev/null

// Values that are made of themselves, where no block comes.
func.func @unreachable(%c: !perdure.native<!perdure.ptr<i64>>, %i: index) {
  return
^dead:
  %a = perdure.element %a[%i : index] : !perdure.native<!perdure.ptr<i64>>
  %b = perdure.load %a : !perdure.native<!perdure.ptr<i64>>
  %p = perdure.decode %b at %a : !perdure.ptr<i64>
  %x = perdure.cast %y : !llvm.ptr to !perdure.native<i64>
  %y = perdure.cast %x : !perdure.native<i64> to !llvm.ptr
  %z = perdure.cast %z : !perdure.native<i64> to !perdure.native<i64>
  %d = perdure.decode %e at %c : !perdure.ptr<i64>
  %e = perdure.encode %d at %c : !perdure.ptr<i64>
  %r = perdure.reencode %r from %c to %c : !perdure.ptr<i64>
  cf.br ^dead
}
