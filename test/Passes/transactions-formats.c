// What printf stores by its format: conversions take arguments, widths too, and
// positions are numbers. Into a local it may.
// RUN: not %clang -O2 -g -c %s -o %t.o 2>&1 | FileCheck %s
// RUN: not %clang -O0 -g -c %s -o %t.o 2>&1 | FileCheck %s
#include <perdure/attributes.h>
#include <stdio.h>

PERDURE_IN_TRANSACTION void formats(int *p, const char *text, const char *any) {
  int local;
  // CHECK-DAG: formats.c:[[#@LINE+1]]:{{.*}} '%n' in a format of 'printf' in a transaction
  printf("%s %% %*d %5.3s %n", text, 3, 4, text, p);
  // CHECK-DAG: formats.c:[[#@LINE+1]]:{{.*}} '%n' in a format of 'printf' in a transaction
  printf("%2$n%1$s", text, p);
  // CHECK-DAG: formats.c:[[#@LINE+1]]:{{.*}} '%n' in a format of 'snprintf' in a transaction
  snprintf(NULL, 0, "%lld%hhn", 1LL, (signed char *)p);
  // CHECK-DAG: {{^}}3 errors generated
  printf("%s %% %*d %5.3s %n", text, 3, 4, text, &local);
  printf("%s %s %%n", text, (char *)p);
  printf(any, p);
}
