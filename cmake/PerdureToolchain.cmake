# Finds LLVM and Clang 22 and says how Perdure's own code is compiled.

set(PERDURE_LLVM_CONFIG llvm-config-22 CACHE STRING "llvm-config of the LLVM to build against")
execute_process(COMMAND ${PERDURE_LLVM_CONFIG} --prefix OUTPUT_VARIABLE PERDURE_LLVM_PREFIX
                OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE Result)
if(NOT Result EQUAL 0)
  message(FATAL_ERROR "${PERDURE_LLVM_CONFIG} does not run: install llvm-22-dev, or set PERDURE_LLVM_CONFIG")
endif()
set(PERDURE_LLVM_BIN ${PERDURE_LLVM_PREFIX}/bin)
# What clang's own command lines need beside CMake's: nothing, on one machine.
set(PERDURE_TARGET_FLAGS)
if(CMAKE_CROSSCOMPILING)
  set(PERDURE_TARGET_FLAGS --target=${CMAKE_C_COMPILER_TARGET} --sysroot=${CMAKE_SYSROOT})
else()
  list(PREPEND CMAKE_PREFIX_PATH ${PERDURE_LLVM_PREFIX})
  # Debian's version file answers to 22.1, not to 22.
  find_package(LLVM 22.1 REQUIRED CONFIG)
  find_package(Clang REQUIRED CONFIG)
endif()

find_program(PERDURE_CCACHE ccache)
if(PERDURE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${PERDURE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PERDURE_CCACHE})
endif()

set(PERDURE_SANITIZE "" CACHE STRING "address, undefined or thread: sanitise the runtime, its unit tests and the examples")
option(PERDURE_WERROR "Warnings are errors" ON)

# Flags for all code that is written here.
add_library(perdure_warnings INTERFACE)
target_compile_options(perdure_warnings INTERFACE -Wall -Wextra
  $<$<BOOL:${PERDURE_WERROR}>:-Werror>)

# perdure_add_llvm_module(NAME sources...): a loadable module built the way
# LLVM was built (no exceptions), linked against nothing but the given dylibs.
function(perdure_add_llvm_module Name)
  cmake_parse_arguments(Arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(${Name} MODULE ${Arg_SOURCES})
  set_target_properties(${Name} PROPERTIES PREFIX "")
  target_include_directories(${Name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_include_directories(${Name} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS} ${CLANG_INCLUDE_DIRS})
  target_compile_definitions(${Name} PRIVATE ${LLVM_DEFINITIONS_LIST})
  target_compile_options(${Name} PRIVATE -fno-exceptions -Wno-unused-parameter)
  target_link_libraries(${Name} PRIVATE perdure_warnings ${Arg_LINK})
endfunction()

# What includes Clang spends three quarters of its compile time in Clang's headers: six
# of its sources are compiled as one. A name in an anonymous namespace is then one for
# all of the target's files.
function(perdure_compile_together Name)
  set_target_properties(${Name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
endfunction()

separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND "${LLVM_DEFINITIONS}")
