# project_options carries everything that each of our own targets is compiled with.
option(EM_WERROR "Treat warnings as errors" OFF)
option(EM_COVERAGE "Instrument for gcov" OFF)
option(EM_FUZZ "Build the libFuzzer targets" OFF)
set(EM_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
endif()

add_library(project_options INTERFACE)
target_include_directories(project_options INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
target_compile_definitions(project_options INTERFACE _GNU_SOURCE EM_VERSION="${PROJECT_VERSION}")
target_compile_options(project_options INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
    -Wswitch-enum -Wformat=2 -Wno-missing-field-initializers -fno-strict-aliasing
    -fno-omit-frame-pointer)
target_link_libraries(project_options INTERFACE pthread)

if(EM_WERROR)
    target_compile_options(project_options INTERFACE -Werror)
endif()

# Assertions stay on in every build, so Release does not define NDEBUG.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")

if(EM_SANITIZE)
    # gcc's analysis of uninitialised values is wrong about instrumented code.
    target_compile_options(project_options INTERFACE -fsanitize=${EM_SANITIZE} -fno-sanitize-recover=all
        $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(project_options INTERFACE -fsanitize=${EM_SANITIZE})
endif()

# What sanitizers, gcov and valgrind (which runs the coverage build) do not follow is left out where code asks for this.
if(EM_SANITIZE OR EM_COVERAGE)
    target_compile_definitions(project_options INTERFACE EM_INSTRUMENTED)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(project_options INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
    target_link_options(project_options INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

if(EM_COVERAGE)
    target_compile_options(project_options INTERFACE --coverage)
    target_link_options(project_options INTERFACE --coverage)
endif()

# The code under test tells the fuzzer which ways it took.
if(EM_FUZZ)
    target_compile_options(project_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
