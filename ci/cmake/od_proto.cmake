# od_proto(NAME FILE.proto): a static library of what protoc-c makes of FILE.proto, for "#include <FILE.pb-c.h>" or quotes.
find_program(PROTOC_C protoc-c REQUIRED)
function(od_proto NAME FILE)
  get_filename_component(STEM ${FILE} NAME_WE)
  set(MADE ${CMAKE_CURRENT_BINARY_DIR}/${STEM}.pb-c)
  add_custom_command(OUTPUT ${MADE}.c ${MADE}.h
                     COMMAND ${PROTOC_C} --c_out=${CMAKE_CURRENT_BINARY_DIR} -I ${CMAKE_CURRENT_SOURCE_DIR} ${FILE}
                     DEPENDS ${FILE})
  add_library(${NAME} STATIC ${MADE}.c ${MADE}.h)
  target_compile_options(${NAME} PRIVATE -w)
  target_include_directories(${NAME} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${NAME} PUBLIC PkgConfig::PROTOBUF_C)
endfunction()
