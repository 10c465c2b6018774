using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>
/// Writes types and signatures as text that is equal where the runtime takes them for equal. The assembly that a type comes from
/// is left out: that a type can be found is asked of each type by itself.
/// </summary>
internal sealed class SignatureText : ISignatureTypeProvider<string, object?>
{
    public static readonly SignatureText Instance = new();

    private const byte ValueType = 0x11;

    public static string Method(string name, MethodSignature<string> signature)
    {
        var scope = signature.Header.IsInstance ? "" : "static ";
        var arity = signature.GenericParameterCount > 0 ? $"``{signature.GenericParameterCount}" : "";
        return $"{scope}{signature.ReturnType} {name}{arity}({string.Join(", ", signature.ParameterTypes)})";
    }

    public static string Field(string name, string type) => $"{type} {name}";

    public static string Name(MetadataReader reader, TypeDefinitionHandle handle)
    {
        var type = reader.GetTypeDefinition(handle);
        var name = reader.GetString(type.Name);
        return type.GetDeclaringType() is { IsNil: false } outer ? $"{Name(reader, outer)}+{name}" : Qualified(reader, type.Namespace, name);
    }

    public static string Name(MetadataReader reader, TypeReferenceHandle handle)
    {
        var type = reader.GetTypeReference(handle);
        var name = reader.GetString(type.Name);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? $"{Name(reader, (TypeReferenceHandle)type.ResolutionScope)}+{name}"
            : Qualified(reader, type.Namespace, name);
    }

    public static string Qualified(MetadataReader reader, StringHandle @namespace, string name) =>
        @namespace.IsNil ? name : $"{reader.GetString(@namespace)}.{name}";

    public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => Kind(rawTypeKind) + Name(reader, handle);

    public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => Kind(rawTypeKind) + Name(reader, handle);

    public string GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

    public string GetSZArrayType(string elementType) => $"{elementType}[]";

    public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{new string(',', shape.Rank - 1)}]";

    public string GetByReferenceType(string elementType) => $"{elementType}&";

    public string GetPointerType(string elementType) => $"{elementType}*";

    public string GetPinnedType(string elementType) => elementType;

    public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) => $"{genericType}<{string.Join(", ", typeArguments)}>";

    public string GetGenericTypeParameter(object? genericContext, int index) => $"!{index}";

    public string GetGenericMethodParameter(object? genericContext, int index) => $"!!{index}";

    public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => $"{unmodifiedType} {(isRequired ? "modreq" : "modopt")}({modifier})";

    public string GetFunctionPointerType(MethodSignature<string> signature) => Method("*", signature);

    // A class that has become a struct is another type to a compiled caller.
    private static string Kind(byte rawTypeKind) => rawTypeKind == ValueType ? "struct " : "";
}
