"""Turns text files into one C table of struct embedded_file, in the order given, ended by a zero row."""
import os
import sys


def main():
    symbol, output, sources = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(output, "w", encoding="utf-8") as out:
        out.write('#include "shared/embedded_file.h"\n\n')
        for index, path in enumerate(sources):
            data = open(path, "rb").read()
            out.write(f"static const char text_{index}[] = {{")
            out.write(",".join(str(byte if byte < 128 else byte - 256) for byte in data))
            out.write(("," if data else "") + "0};\n")
        out.write(f"\nconst struct embedded_file {symbol}[] = {{\n")
        for index, path in enumerate(sources):
            out.write(f'    {{"{os.path.basename(path)}", text_{index}, sizeof text_{index} - 1}},\n')
        out.write("    {0},\n};\n")


main()
