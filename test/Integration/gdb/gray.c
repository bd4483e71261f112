/* gdb shows the number of a field in Gray code, of each width and sign.
 *
 * REQUIRES: gdb
 * RUN: %perdure_cc -g -O0 %s -o %t
 * RUN: %gdb -ex "source %source/tools/gdb/perdure.py" -ex "break look" -ex run -ex up \
 * RUN:   -ex "print s.count" -ex "print $perdure_gray(s.count)" -ex "print $perdure_gray(s.below)" \
 * RUN:   -ex "print $perdure_gray(s.small[1])" -ex "print $perdure_gray(s.most)" %t 2>&1 | FileCheck %s
 *
 * CHECK: $1 = 7
 * CHECK-NEXT: $2 = 5
 * CHECK-NEXT: $3 = -3
 * CHECK-NEXT: $4 = 40000
 * CHECK-NEXT: $5 = 18446744073709551615
 */
#include <perdure/perdure.h>
#include <stdint.h>

struct s {
  uint64_t count PERDURE_GRAY;
  int32_t below PERDURE_GRAY;
  uint16_t small[2] PERDURE_GRAY;
  uint64_t most PERDURE_GRAY;
};
__attribute__((noinline)) static void look(struct s *p) {
  __asm__ volatile("" ::"r"(p) : "memory");
}
int main(void) {
  struct s s = {5, -3, {1, 40000}, UINT64_MAX};
  look(&s);
  return 0;
}
