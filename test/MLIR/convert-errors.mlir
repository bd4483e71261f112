// RUN: perdure-opt %s --convert-perdure-to-llvm --split-input-file --verify-diagnostics

func.func @structured(%p: !perdure.native<i64>, %v: i64, %c: i1) {
  scf.if %c {
    // expected-error @+2 {{a silent store branches: run convert-scf-to-cf before}}
    // expected-error @+1 {{failed to legalize operation 'perdure.store'}}
    perdure.store silent %v, %p : !perdure.native<i64>
  }
  return
}

// -----

func.func @vector(%p: !perdure.native<vector<2xi64>>, %v: vector<2xi64>) {
  // expected-error @+2 {{a silent store is of a scalar}}
  // expected-error @+1 {{failed to legalize operation 'perdure.store'}}
  perdure.store silent %v, %p : !perdure.native<vector<2xi64>>
  return
}
