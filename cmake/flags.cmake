# Compiler flags shared by everything of ours.
add_compile_options(
  -Wall -Wextra -Wswitch-enum -Wshadow -Wnon-virtual-dtor -Werror
  -Wno-missing-field-initializers       # designated initializers name what they set
  -Wno-deprecated-declarations          # libstdc++ 12's stable_sort warns about itself under Clang 19
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-designated-field-initializers>)
endif()
add_link_options(-fuse-ld=mold)
if(DROVER_SANITIZE)
  add_compile_options(-fsanitize=${DROVER_SANITIZE} -fno-sanitize-recover=undefined)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
  add_link_options(-fsanitize=${DROVER_SANITIZE})
endif()
if(DROVER_FAULTS)
  add_compile_definitions(DROVER_FAULTS=1)
endif()
find_package(Threads REQUIRED)
# Asio and Beast templates are compiled once, in src/net/asio_impl.cpp.
set(DROVER_BOOST_DEFINITIONS
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
  BOOST_BEAST_SEPARATE_COMPILATION BOOST_BEAST_USE_STD_STRING_VIEW
  BOOST_JSON_STATIC_LINK BOOST_ERROR_CODE_HEADER_ONLY)
add_compile_definitions(${DROVER_BOOST_DEFINITIONS})
