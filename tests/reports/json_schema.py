"""The part of JSON Schema that docs/schemas uses, with everything else refused: a keyword that is not checked would be a promise that nobody keeps."""
import json
import os
import re

KNOWN = {"$schema", "$id", "$ref", "$defs", "title", "description", "type", "properties", "required", "additionalProperties", "items", "enum", "const", "minimum", "pattern", "anyOf"}
TYPES = {"string": lambda v: isinstance(v, str), "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
         "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool), "boolean": lambda v: isinstance(v, bool), "null": lambda v: v is None,
         "object": lambda v: isinstance(v, dict), "array": lambda v: isinstance(v, list)}


class Schemas:
    def __init__(self, folder):
        self.files = {name: json.load(open(os.path.join(folder, name))) for name in sorted(os.listdir(folder)) if name.endswith(".json")}
        for name, schema in self.files.items():
            assert schema.get("$id") == name, f"{name} has the $id {schema.get('$id')}"

    def resolve(self, reference, file):
        name, _, pointer = reference.partition("#")
        schema = self.files[name or file]
        for part in pointer.strip("/").split("/"):
            schema = schema[part]
        return schema, name or file

    def problems(self, value, file, schema=None, place="$"):
        """What is wrong with a value, a line each."""
        schema = self.files[file] if schema is None else schema
        if unknown := set(schema) - KNOWN:
            raise ValueError(f"{file}: keywords {unknown} are not checked")
        found = []
        if "$ref" in schema:
            target, where = self.resolve(schema["$ref"], file)
            found += self.problems(value, where, target, place)
        if "const" in schema and value != schema["const"]:
            found.append(f"{place}: {value!r}, expected {schema['const']!r}")
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{place}: {value!r}, expected one of {schema['enum']}")
        if "anyOf" in schema and all(self.problems(value, file, each, place) for each in schema["anyOf"]):
            found.append(f"{place}: fits none of the alternatives")
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and not any(TYPES[each](value) for each in types):
            return found + [f"{place}: {value!r}, expected {' or '.join(types)}"]
        if "minimum" in schema and TYPES["number"](value) and value < schema["minimum"]:
            found.append(f"{place}: {value}, expected at least {schema['minimum']}")
        if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
            found.append(f"{place}: {value!r} does not match {schema['pattern']}")
        if isinstance(value, list) and "items" in schema:
            for at, each in enumerate(value):
                found += self.problems(each, file, schema["items"], f"{place}[{at}]")
        if isinstance(value, dict):
            found += self.object_problems(value, file, schema, place)
        return found

    def object_problems(self, value, file, schema, place):
        found = [f"{place}: '{key}' is missing" for key in schema.get("required", []) if key not in value]
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        for key, each in value.items():
            if key in properties:
                found += self.problems(each, file, properties[key], f"{place}.{key}")
            elif more is False:
                found.append(f"{place}: '{key}' is not in the schema")
            elif isinstance(more, dict):
                found += self.problems(each, file, more, f"{place}.{key}")
        return found
