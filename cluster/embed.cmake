# SPDX-License-Identifier: MIT
# cmake -D IN=functions.lua -D OUT=functions.c -P embed.cmake: the file as a C array.
file(READ ${IN} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n    " bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " bytes "${bytes}")
file(WRITE ${OUT} "#include \"redis_link.h\"\n\nconst char axi_redis_functions[] = {\n    ${bytes}\n};\n"
                  "const size_t axi_redis_functions_size = ${size};\n")
