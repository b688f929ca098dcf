# The web UI as part of drover_hub (tools/embed.py). DROVER_WEB=off, or no web/dist: a plain page instead.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(drover_web_dist ${CMAKE_SOURCE_DIR}/web/dist)
set(drover_web_out ${CMAKE_BINARY_DIR}/embedded)
set(drover_web_files "")
if(DROVER_WEB STREQUAL "prebuilt" AND EXISTS ${drover_web_dist}/index.html)
  file(GLOB_RECURSE drover_web_files CONFIGURE_DEPENDS ${drover_web_dist}/*)
  set(drover_web_from ${drover_web_dist})
else()
  set(drover_web_from ${CMAKE_BINARY_DIR}/no-web)
endif()
add_custom_command(
  OUTPUT ${drover_web_out}/assets.S ${drover_web_out}/assets.cpp
  COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tools/embed.py ${drover_web_from} ${drover_web_out}
  COMMAND ${CMAKE_COMMAND} -E touch ${drover_web_out}/assets.S ${drover_web_out}/assets.cpp
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed.py ${drover_web_files}
  VERBATIM)
target_sources(drover_hub PRIVATE ${drover_web_out}/assets.S ${drover_web_out}/assets.cpp)
set_source_files_properties(${drover_web_out}/assets.cpp PROPERTIES COMPILE_OPTIONS "-Wno-unused-const-variable")
