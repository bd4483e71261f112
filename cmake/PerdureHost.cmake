# When compiling for another machine: the plugin, the passes and perdure-cc are
# those of this machine's build tree, copied to where perdure-cc looks for them,
# beside the other machine's runtime.
set(PERDURE_HOST ${PROJECT_SOURCE_DIR}/build CACHE PATH "This machine's build tree")
file(MAKE_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
# While configuring, which begins anew when one of them has changed.
function(perdure_copy_from_host Path)
  if(NOT EXISTS ${PERDURE_HOST}/${Path})
    message(FATAL_ERROR "${PERDURE_HOST}/${Path} is missing: build for this machine first, with the preset default")
  endif()
  file(COPY_FILE ${PERDURE_HOST}/${Path} ${PROJECT_BINARY_DIR}/${Path} ONLY_IF_DIFFERENT)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PERDURE_HOST}/${Path})
endfunction()

foreach(Module PerdureClang PerdurePasses PerdureTrace)
  perdure_copy_from_host(lib/${Module}.so)
  add_library(${Module} MODULE IMPORTED GLOBAL)
  set_target_properties(${Module} PROPERTIES
    IMPORTED_LOCATION ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/${Module}.so)
endforeach()
perdure_copy_from_host(bin/perdure-cc)
add_executable(perdure-cc IMPORTED GLOBAL)
set_target_properties(perdure-cc PROPERTIES
  IMPORTED_LOCATION ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/perdure-cc)
file(CREATE_LINK perdure-cc ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/perdure-c++ SYMBOLIC)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include SYMBOLIC)

# What every command line of clang needs to compile for that machine and link:
# clang --config=FILE.
list(JOIN PERDURE_TARGET_FLAGS "\n" Lines)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/target.cfg CONTENT "@Lines@\n-fuse-ld=lld\n" @ONLY)
