# SPDX-License-Identifier: MIT
ax_unit(memo)
ax_unit(memo_recursion)
ax_unit(memo_values)
ax_unit(memo_unowned)
# The sanitizers' allocators don't survive a fork among threads.
if(NOT AX_SANITIZE)
  ax_program(test_memo_fork unit/memo_fork.c NO_TSAN LINK atomicx)
  ax_test(unit.memo_fork LABELS quick COMMAND test_memo_fork)
endif()
ax_program(test_memo_cxx unit/memo_cxx.cc LINK atomicx)
set_target_properties(test_memo_cxx PROPERTIES CXX_STANDARD 11 CXX_EXTENSIONS OFF)
ax_test(unit.memo_cxx LABELS quick COMMAND test_memo_cxx)

ax_unit(memo_entry)
foreach(name IN ITEMS test_memo_entry test_memo_entry-tsan) # internal interfaces
  if(TARGET ${name})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
  endif()
endforeach()
