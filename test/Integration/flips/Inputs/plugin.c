void set(long *p, long v) { *p = v; }
