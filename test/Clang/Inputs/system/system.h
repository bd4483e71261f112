struct from_system { int *p; };
