# cmake -DPRESET=asan -DSOURCE=... -DSTEP=build -P preset.cmake: configures and
# builds one more preset. With any other STEP: runs its tests, those that
# SELECT (options of ctest, a list) chooses.
function(step)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE Result)
  if(NOT Result EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGN}")
  endif()
endfunction()

if(STEP STREQUAL "build")
  step(${CMAKE_COMMAND} --preset ${PRESET})
  step(${CMAKE_COMMAND} --build --preset ${PRESET})
elseif(NOT EXISTS ${SOURCE}/build-${PRESET}/CTestTestfile.cmake)
  message(FATAL_ERROR "build-${PRESET} is not there: ${PRESET}-build says why")
else()
  step(${CMAKE_CTEST_COMMAND} --test-dir build-${PRESET} --output-on-failure
    --no-tests=error ${SELECT})
endif()
