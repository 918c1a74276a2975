# embed_sql(target file.sql): each statement that begins with a comment line
#     -- name(parameter, …): what it is for
# becomes `const struct statement sql_<name>` in <file>.sql.c, declared in <file>.sql.h (see cmake/embed_sql.py).
# embed_files(target symbol file…): texts become `const struct embedded_file <symbol>[]`, ended by a zero row.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(embed_sql target)
    foreach(sql ${ARGN})
        get_filename_component(source "${sql}" ABSOLUTE)
        file(RELATIVE_PATH relative "${PROJECT_SOURCE_DIR}" "${source}")
        set(base "${PROJECT_BINARY_DIR}/generated/${relative}")
        get_filename_component(folder "${base}" DIRECTORY)
        file(MAKE_DIRECTORY "${folder}")
        add_custom_command(
            OUTPUT "${base}.c" "${base}.h"
            COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/cmake/embed_sql.py" "${source}" "${relative}" "${base}"
            DEPENDS "${source}" "${PROJECT_SOURCE_DIR}/cmake/embed_sql.py"
            VERBATIM)
        target_sources(${target} PRIVATE "${base}.c" "${base}.h")
    endforeach()
    target_include_directories(${target} PUBLIC "${PROJECT_BINARY_DIR}/generated")
endfunction()

function(embed_files target symbol)
    set(output "${PROJECT_BINARY_DIR}/generated/embedded/${symbol}.c")
    file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/generated/embedded")
    set(sources)
    foreach(file ${ARGN})
        get_filename_component(source "${file}" ABSOLUTE)
        list(APPEND sources "${source}")
    endforeach()
    add_custom_command(
        OUTPUT "${output}"
        COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/cmake/embed_files.py" "${symbol}" "${output}" ${sources}
        DEPENDS ${sources} "${PROJECT_SOURCE_DIR}/cmake/embed_files.py"
        VERBATIM)
    target_sources(${target} PRIVATE "${output}")
endfunction()
