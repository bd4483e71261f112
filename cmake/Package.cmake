# cpack in the build tree makes the Debian packages:
#
#   libperdure1    the runtime, all that a compiled program needs
#   perdure        the compiler's drivers and plugin, the headers, the tools
#   perdure-mlir   perdure-opt, perdure-translate, the early contract for JITs
#
# A later ABI's runtime is another package, installed beside this one.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME perdure)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR Perdure)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL libperdure1 perdure)
if(TARGET perdure_early)
  list(APPEND CPACK_COMPONENTS_ALL perdure-mlir)
endif()

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The Perdure developers <perdure@localhost>")
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# What the files link: dpkg-shlibdeps, of package dpkg-dev, finds the packages.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})

set(CPACK_DEBIAN_LIBPERDURE1_PACKAGE_NAME libperdure1)
set(CPACK_DEBIAN_LIBPERDURE1_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBPERDURE1_DESCRIPTION
    "Runtime of programs whose structures are persistent
 Stores and their objects, which programs compiled by perdure-cc map.")

set(Same "(= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_PERDURE_PACKAGE_NAME perdure)
set(CPACK_DEBIAN_PERDURE_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PERDURE_PACKAGE_DEPENDS "libperdure1 ${Same}, clang-22")
set(CPACK_DEBIAN_PERDURE_PACKAGE_RECOMMENDS "lld-22, libstdc++-12-dev | libstdc++-dev")
set(CPACK_DEBIAN_PERDURE_PACKAGE_SUGGESTS "perdure-mlir, llvm-22-tools, gdb, pkg-config")
set(CPACK_DEBIAN_PERDURE_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/prerm)
set(CPACK_COMPONENT_PERDURE_DESCRIPTION
    "Compiler that makes C and C++ structures persistent
 A plugin and passes for clang 22, drivers that use them, the headers, and
 tools that look at stores, check them and explore crashes.")

set(CPACK_DEBIAN_PERDURE-MLIR_PACKAGE_NAME perdure-mlir)
set(CPACK_DEBIAN_PERDURE-MLIR_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PERDURE-MLIR_PACKAGE_DEPENDS "perdure ${Same}")
set(CPACK_COMPONENT_PERDURE-MLIR_DESCRIPTION
    "MLIR dialect of persistent pointers
 perdure-opt and perdure-translate, which are mlir-opt and mlir-translate with
 the dialect.")
include(CPack)
