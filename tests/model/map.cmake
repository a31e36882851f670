# SPDX-License-Identifier: MIT
# The map: the same tests for its layouts (lib/map_impl.h), bytes twice, over stand-ins for ck_ht and read-copy-update.
set(map_lib ${lib}/map.c ${lib}/map_ops.c ${lib}/map_table.c ${lib}/map_ck.c ${lib}/map_walk.c ${lib}/hash.c ${lib}/alloc.c
    ${lib}/status.c standin/ck_ht.c ${rcu})
set(map_slots_options)
set(map_short_options -DSHORT)
set(map_entries_options -DENTRIES)
set(map_ck_options -DCK)
set(map_mutable) # for mutants.cmake

# ax_model_map(NAME SOURCE [OPTIONS...]): the program model_NAME, and one whose orders and steps can be weakened.
function(ax_model_map name source)
  set(of_map lib/${source}.c ${map_lib} INCLUDE ${standin} ${lib} OPTIONS ${ARGN})
  ax_model(model_${name} ${of_map})
  ax_model_test(model_${name})
  ax_model_mutable(${name} ${of_map})
  set(map_mutable ${map_mutable} ${name} PARENT_SCOPE)
endfunction()

list(APPEND map_lib ${lib}/fork.c)
foreach(layout IN ITEMS slots short entries ck)
  ax_model_map(map_${layout} map ${map_${layout}_options} -DAXI_MAP_STRIPES=1)
  ax_model_map(map_histories_${layout} map_histories ${map_${layout}_options} -DAXI_MAP_STEP=2)
endforeach()
foreach(layout IN ITEMS slots short entries ck)
  ax_model(model_map_histories_${layout}_deep lib/map_histories_deep.c ${map_lib} INCLUDE ${standin} ${lib} OPTIONS
    ${map_${layout}_options} -DAXI_MAP_STEP=2)
  ax_model_test(model_map_histories_${layout}_deep LABEL night)
endforeach()
list(REMOVE_ITEM map_lib ${lib}/fork.c)
ax_model_map(map_memory map_memory)
ax_model_map(map_memory_ck map_memory -DCK)
foreach(end IN ITEMS M1_sc M2_rel M2_acq)
  ax_model_without(map_slots ${end})
endforeach()
# M1 needs more than acquire and release.
ax_model(model_map_without_seq_cst lib/map.c ${map_lib} ${lib}/fork.c INCLUDE ${standin} ${lib} OPTIONS
  -include ${CMAKE_CURRENT_SOURCE_DIR}/lib/no_seq_cst.h)
ax_model_test(model_map_without_seq_cst ARGS --must-find)
