# control_domain(name SOURCES … [SQL …] [SCHEMAS …] [USES …] [LIBS …]): the library control_<name> of one folder of control.
# SQL files become statements (<name>.sql.h), schema files the table <name>_schemas of struct embedded_file.
include(CMakeParseArguments)

function(control_domain name)
    cmake_parse_arguments(arg "" "" "SOURCES;SQL;SCHEMAS;USES;LIBS" ${ARGN})
    add_library(control_${name} STATIC ${arg_SOURCES})
    target_link_libraries(control_${name} PUBLIC project_options contract shared ${arg_LIBS})
    foreach(used ${arg_USES})
        target_link_libraries(control_${name} PUBLIC control_${used})
    endforeach()
    if(arg_SQL)
        embed_sql(control_${name} ${arg_SQL})
    endif()
    if(arg_SCHEMAS)
        embed_files(control_${name} ${name}_schemas ${arg_SCHEMAS})
    endif()
    set_property(GLOBAL APPEND PROPERTY EM_CONTROL_DOMAINS control_${name})
endfunction()
