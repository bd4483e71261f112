# cmake -DPRESET=asan -DSOURCE=... -P sanitized.cmake: configures, builds and
# tests one sanitizer's preset. One ctest entry of ./check each.
foreach(Step
    "${CMAKE_COMMAND};--preset;${PRESET}"
    "${CMAKE_COMMAND};--build;--preset;${PRESET}"
    "${CMAKE_CTEST_COMMAND};--test-dir;build-${PRESET};--output-on-failure;--no-tests=error")
  execute_process(COMMAND ${Step} WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE Result)
  if(NOT Result EQUAL 0)
    message(FATAL_ERROR "failed: ${Step}")
  endif()
endforeach()
