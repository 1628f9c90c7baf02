// As a static binary starts, glibc asks /proc where the file is that it was started from
// (elf/dl-origin.c), for libraries loaded later relative to that: there are none. That look into
// /proc costs as much as several requests to the kernel.
extern "C" const char* _dl_get_origin();  // NOLINT: glibc's name

// glibc's own answer where it cannot tell.
extern "C" const char* _dl_get_origin() { return reinterpret_cast<const char*>(-1); }  // NOLINT
