struct from_header { int *p; };
