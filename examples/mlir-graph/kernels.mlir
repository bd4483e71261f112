// kernels.mlir - PageRank and breadth-first search over objects that C++ made.
//
// The records mirror the structs of graph.h; compile.sh has Clang check that they
// do. Loads give what memory holds: of a field that is a persistent pointer, its
// bits, which decode turns into an address, where the container is the field.

!package = !perdure.record<"package", body {
  name: !perdure.ptr<i8>,
  needs: !perdure.ptr<!perdure.ptr<!perdure.record<"package">>>,
  needs_count: i64,
  rank: f64, incoming: f64,
  level: i64}>
!packages = !perdure.ptr<!perdure.ptr<!package>>
!graph = !perdure.record<"graph", body {packages: !packages, count: i64, queue: !packages}>

// A graph's packages, as a memref: its elements lie in an object, too.
!row = memref<?x!perdure.ptr<!package>, #perdure.space>

func.func private @packages(%g: !perdure.native<!graph>) -> !row attributes {llvm.linkage = #llvm.linkage<internal>} {
  %at = perdure.field %g["packages"] : !perdure.native<!graph>
  %bits = perdure.load %at : !perdure.native<!packages>
  %array = perdure.decode %bits at %at : !packages
  %count.at = perdure.field %g["count"] : !perdure.native<!graph>
  %count = perdure.load %count.at : !perdure.native<i64>
  %n = arith.index_cast %count : i64 to index
  %row = perdure.to_memref %array[%n] : !perdure.native<!perdure.ptr<!package>> to !row
  return %row : !row
}

func.func private @package(%row: !row, %i: index) -> !perdure.native<!package> attributes {llvm.linkage = #llvm.linkage<internal>} {
  %at = perdure.at %row[%i] : !row
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<!package>>
  %p = perdure.decode %bits at %at : !perdure.ptr<!package>
  return %p : !perdure.native<!package>
}

func.func @pagerank(%g: !perdure.native<!graph>, %rounds.i64: i64, %damping: f64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %f.zero = arith.constant 0.0 : f64
  %f.one = arith.constant 1.0 : f64
  %rounds = arith.index_cast %rounds.i64 : i64 to index

  %row = call @packages(%g) : (!perdure.native<!graph>) -> !row
  %n = memref.dim %row, %zero : !row
  %n.i64 = arith.index_cast %n : index to i64
  %all = arith.uitofp %n.i64 : i64 to f64

  %first = arith.divf %f.one, %all : f64
  scf.for %i = %zero to %n step %one {
    %p = func.call @package(%row, %i) : (!row, index) -> !perdure.native<!package>
    %rank = perdure.field %p["rank"] : !perdure.native<!package>
    perdure.store %first, %rank : !perdure.native<f64>
  }

  %rest = arith.subf %f.one, %damping : f64
  %each = arith.divf %rest, %all : f64
  scf.for %round = %zero to %rounds step %one {
    scf.for %i = %zero to %n step %one {
      %p = func.call @package(%row, %i) : (!row, index) -> !perdure.native<!package>
      %incoming = perdure.field %p["incoming"] : !perdure.native<!package>
      perdure.store %f.zero, %incoming : !perdure.native<f64>
    }
    // What those that depend on nothing would lose is everybody's.
    %lost = scf.for %i = %zero to %n step %one iter_args(%sum = %f.zero) -> f64 {
      %p = func.call @package(%row, %i) : (!row, index) -> !perdure.native<!package>
      %rank.at = perdure.field %p["rank"] : !perdure.native<!package>
      %rank = perdure.load %rank.at : !perdure.native<f64>
      %count.at = perdure.field %p["needs_count"] : !perdure.native<!package>
      %count.i64 = perdure.load %count.at : !perdure.native<i64>
      %count = arith.index_cast %count.i64 : i64 to index
      %none = arith.cmpi eq, %count, %zero : index
      %next = scf.if %none -> f64 {
        %more = arith.addf %sum, %rank : f64
        scf.yield %more : f64
      } else {
        %f.count = arith.uitofp %count.i64 : i64 to f64
        %share = arith.divf %rank, %f.count : f64
        %needs.at = perdure.field %p["needs"] : !perdure.native<!package>
        %bits = perdure.load %needs.at : !perdure.native<!packages>
        %needs = perdure.decode %bits at %needs.at : !packages
        scf.for %k = %zero to %count step %one {
          %e = perdure.element %needs[%k : index] : !perdure.native<!perdure.ptr<!package>>
          %e.bits = perdure.load %e : !perdure.native<!perdure.ptr<!package>>
          %q = perdure.decode %e.bits at %e : !perdure.ptr<!package>
          %incoming = perdure.field %q["incoming"] : !perdure.native<!package>
          %old = perdure.load %incoming : !perdure.native<f64>
          %new = arith.addf %old, %share : f64
          perdure.store %new, %incoming : !perdure.native<f64>
        }
        scf.yield %sum : f64
      }
      scf.yield %next : f64
    }
    %found = arith.mulf %damping, %lost : f64
    %found.each = arith.divf %found, %all : f64
    %base = arith.addf %each, %found.each : f64
    scf.for %i = %zero to %n step %one {
      %p = func.call @package(%row, %i) : (!row, index) -> !perdure.native<!package>
      %incoming.at = perdure.field %p["incoming"] : !perdure.native<!package>
      %incoming = perdure.load %incoming.at : !perdure.native<f64>
      %part = arith.mulf %damping, %incoming : f64
      %rank = arith.addf %base, %part : f64
      %rank.at = perdure.field %p["rank"] : !perdure.native<!package>
      perdure.store %rank, %rank.at : !perdure.native<f64>
    }
  }
  return
}

// The queue lies in the object, too: what is put there keeps its bits, re-encoded from
// one array to the other.
func.func @bfs(%g: !perdure.native<!graph>, %start: !perdure.native<!package>) -> i64 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %never = arith.constant -1 : i64
  %i.zero = arith.constant 0 : i64
  %i.one = arith.constant 1 : i64

  %row = call @packages(%g) : (!perdure.native<!graph>) -> !row
  %n = memref.dim %row, %zero : !row
  scf.for %i = %zero to %n step %one {
    %p = func.call @package(%row, %i) : (!row, index) -> !perdure.native<!package>
    %level = perdure.field %p["level"] : !perdure.native<!package>
    perdure.store %never, %level : !perdure.native<i64>
  }

  %start.level = perdure.field %start["level"] : !perdure.native<!package>
  perdure.store %i.zero, %start.level : !perdure.native<i64>
  %queue.at = perdure.field %g["queue"] : !perdure.native<!graph>
  %queue.bits = perdure.load %queue.at : !perdure.native<!packages>
  %queue = perdure.decode %queue.bits at %queue.at : !packages
  %start.bits = perdure.encode %start at %queue : !perdure.ptr<!package>
  perdure.store %start.bits, %queue : !perdure.native<!perdure.ptr<!package>>

  %came:2 = scf.while (%head = %zero, %tail = %one) : (index, index) -> (index, index) {
    %more = arith.cmpi ult, %head, %tail : index
    scf.condition(%more) %head, %tail : index, index
  } do {
  ^bb0(%head: index, %tail: index):
    %slot = perdure.element %queue[%head : index] : !perdure.native<!perdure.ptr<!package>>
    %p.bits = perdure.load %slot : !perdure.native<!perdure.ptr<!package>>
    %p = perdure.decode %p.bits at %slot : !perdure.ptr<!package>
    %level.at = perdure.field %p["level"] : !perdure.native<!package>
    %level = perdure.load %level.at : !perdure.native<i64>
    %deeper = arith.addi %level, %i.one : i64
    %count.at = perdure.field %p["needs_count"] : !perdure.native<!package>
    %count.i64 = perdure.load %count.at : !perdure.native<i64>
    %count = arith.index_cast %count.i64 : i64 to index
    %needs.at = perdure.field %p["needs"] : !perdure.native<!package>
    %bits = perdure.load %needs.at : !perdure.native<!packages>
    %needs = perdure.decode %bits at %needs.at : !packages
    %new.tail = scf.for %k = %zero to %count step %one iter_args(%t = %tail) -> index {
      %e = perdure.element %needs[%k : index] : !perdure.native<!perdure.ptr<!package>>
      %e.bits = perdure.load %e : !perdure.native<!perdure.ptr<!package>>
      %q = perdure.decode %e.bits at %e : !perdure.ptr<!package>
      %q.at = perdure.field %q["level"] : !perdure.native<!package>
      %q.level = perdure.load %q.at : !perdure.native<i64>
      %is.new = arith.cmpi slt, %q.level, %i.zero : i64
      %next = scf.if %is.new -> index {
        perdure.store %deeper, %q.at : !perdure.native<i64>
        %to = perdure.element %queue[%t : index] : !perdure.native<!perdure.ptr<!package>>
        %q.bits = perdure.reencode %e.bits from %e to %to : !perdure.ptr<!package>
        perdure.store %q.bits, %to : !perdure.native<!perdure.ptr<!package>>
        %longer = arith.addi %t, %one : index
        scf.yield %longer : index
      } else {
        scf.yield %t : index
      }
      scf.yield %next : index
    }
    %next.head = arith.addi %head, %one : index
    scf.yield %next.head, %new.tail : index, index
  }
  %all = arith.index_cast %came#1 : index to i64
  return %all : i64
}
