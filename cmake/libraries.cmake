# Third-party libraries. Each is used by the one file that is its door (tests/style holds that).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(openssl REQUIRED IMPORTED_TARGET libssl>=3.0 libcrypto>=3.0)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(pq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(nanomsg REQUIRED IMPORTED_TARGET nanomsg)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(brotlidec REQUIRED IMPORTED_TARGET libbrotlidec)
# The encoder makes what the tests decode.
pkg_check_modules(brotlienc REQUIRED IMPORTED_TARGET libbrotlienc)
pkg_check_modules(cmocka IMPORTED_TARGET cmocka)

# These ship no pkg-config file on Debian.
find_library(JQ_LIBRARY jq REQUIRED)
find_path(JQ_INCLUDE_DIR jq.h REQUIRED)
add_library(jq INTERFACE IMPORTED)
target_link_libraries(jq INTERFACE "${JQ_LIBRARY}")
target_include_directories(jq SYSTEM INTERFACE "${JQ_INCLUDE_DIR}")

find_library(LIBEV_LIBRARY ev REQUIRED)
find_path(LIBEV_INCLUDE_DIR ev.h REQUIRED)
add_library(libev INTERFACE IMPORTED)
target_link_libraries(libev INTERFACE "${LIBEV_LIBRARY}" m)
target_include_directories(libev SYSTEM INTERFACE "${LIBEV_INCLUDE_DIR}")
# libev's watcher macros pun types by design.
target_compile_options(libev INTERFACE -Wno-strict-aliasing)
