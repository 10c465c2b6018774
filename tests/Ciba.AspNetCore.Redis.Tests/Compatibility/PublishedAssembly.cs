using System.Globalization;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>
/// The published version of an assembly that other code was compiled against: finds what that code names as the runtime would,
/// without loading anything.
/// </summary>
/// <remarks>Type forwards and base types are followed into the given files only.</remarks>
internal sealed class PublishedAssembly : IDisposable
{
    private readonly PEReader _file;
    private readonly MetadataReader _metadata;
    private readonly Dictionary<string, TypeDefinitionHandle> _types;
    private readonly Dictionary<string, PublishedAssembly> _others;

    public PublishedAssembly(string path, params string[] others)
    {
        _file = new PEReader(File.OpenRead(path));
        _metadata = _file.GetMetadataReader();
        Name = _metadata.GetString(_metadata.GetAssemblyDefinition().Name);
        _types = _metadata.TypeDefinitions.ToDictionary(type => SignatureText.Name(_metadata, type));
        _others = others.Select(other => new PublishedAssembly(other)).ToDictionary(other => other.Name);
    }

    public string Name { get; }

    public Version Version => _metadata.GetAssemblyDefinition().Version;

    public IEnumerable<UsedMember> Missing(IEnumerable<UsedMember> used) => used.Where(member => !Has(member));

    public bool Has(UsedMember used)
    {
        if (Find(used.Type) is not { } found)
        {
            return false;
        }

        return used.Signature is null || found.Home.Declares(found.Type, used.Signature) || found.Home.Inherits(found.Type, used.Signature);
    }

    /// <summary>The constants of an enum or of a class by name, as text; null where there is no such type.</summary>
    public IReadOnlyDictionary<string, string>? Constants(string type) => Find(type) is { } found ? found.Home.ConstantsOf(found.Type) : null;

    /// <summary>
    /// What the compiler writes at the call where optional parameters are left out, null for a parameter that is not optional.
    /// </summary>
    public IReadOnlyList<string?>? Defaults(UsedMember used) =>
        Find(used.Type) is { } found && found.Home.Method(found.Type, used.Signature) is { } method ? found.Home.DefaultsOf(method) : null;

    public bool IsEnum(string type) =>
        Find(type) is { } found && found.Home.NameOf(found.Home._metadata.GetTypeDefinition(found.Type).BaseType) == "System.Enum";

    public IEnumerable<string> PublicTypes() => _types.Where(type => IsPublic(type.Value)).Select(type => type.Key);

    public void Dispose()
    {
        _file.Dispose();
        foreach (var other in _others.Values)
        {
            other.Dispose();
        }
    }

    private (PublishedAssembly Home, TypeDefinitionHandle Type)? Find(string name)
    {
        if (_types.TryGetValue(name, out var type))
        {
            return IsPublic(type) ? (this, type) : null;
        }

        foreach (var forward in _metadata.ExportedTypes.Select(_metadata.GetExportedType))
        {
            if (forward.IsForwarder && Forwards(forward, name) && Other(forward.Implementation) is { } other)
            {
                return other.Find(name);
            }
        }

        return null;
    }

    // Nested types are forwarded one by one too, but by the name of their outermost type they all go the same way.
    private bool Forwards(ExportedType forward, string name) =>
        SignatureText.Qualified(_metadata, forward.Namespace, _metadata.GetString(forward.Name)) == name.Split('+')[0];

    private PublishedAssembly? Other(EntityHandle assembly) =>
        assembly.Kind == HandleKind.AssemblyReference
            ? _others.GetValueOrDefault(_metadata.GetString(_metadata.GetAssemblyReference((AssemblyReferenceHandle)assembly).Name))
            : null;

    private bool IsPublic(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        return (type.Attributes & TypeAttributes.VisibilityMask) switch
        {
            TypeAttributes.Public => true,
            TypeAttributes.NestedPublic => IsPublic(type.GetDeclaringType()),
            _ => false,
        };
    }

    private bool Declares(TypeDefinitionHandle type, string signature) =>
        Method(type, signature) is not null || _metadata.GetTypeDefinition(type).GetFields().Select(_metadata.GetFieldDefinition).Any(field =>
            (field.Attributes & FieldAttributes.FieldAccessMask) == FieldAttributes.Public
            && (field.Attributes & FieldAttributes.Literal) == 0
            && SignatureText.Field(_metadata.GetString(field.Name), field.DecodeSignature(SignatureText.Instance, null)) == signature);

    private MethodDefinition? Method(TypeDefinitionHandle type, string? signature)
    {
        foreach (var method in _metadata.GetTypeDefinition(type).GetMethods().Select(_metadata.GetMethodDefinition))
        {
            if ((method.Attributes & MethodAttributes.MemberAccessMask) == MethodAttributes.Public
                && SignatureText.Method(_metadata.GetString(method.Name), method.DecodeSignature(SignatureText.Instance, null)) == signature)
            {
                return method;
            }
        }

        return null;
    }

    // The runtime looks at the base classes of a class, never at the interfaces that an interface extends, and no constructor is inherited.
    private bool Inherits(TypeDefinitionHandle type, string signature)
    {
        if (signature.Contains(" .ctor(", StringComparison.Ordinal) || NameOf(_metadata.GetTypeDefinition(type).BaseType) is not { } name)
        {
            return false;
        }

        var home = _types.ContainsKey(name) ? this : Home(_metadata.GetTypeDefinition(type).BaseType);
        return home is not null && home._types.TryGetValue(name, out var parent) && (home.Declares(parent, signature) || home.Inherits(parent, signature));
    }

    private PublishedAssembly? Home(EntityHandle type) =>
        type.Kind == HandleKind.TypeReference ? Other(_metadata.GetTypeReference((TypeReferenceHandle)type).ResolutionScope) : null;

    private string? NameOf(EntityHandle type) => type switch
    {
        { IsNil: true } => null,
        { Kind: HandleKind.TypeDefinition } => SignatureText.Name(_metadata, (TypeDefinitionHandle)type),
        { Kind: HandleKind.TypeReference } => SignatureText.Name(_metadata, (TypeReferenceHandle)type),
        _ => null,
    };

    private Dictionary<string, string> ConstantsOf(TypeDefinitionHandle type) =>
        _metadata.GetTypeDefinition(type).GetFields().Select(_metadata.GetFieldDefinition)
            .Where(field => (field.Attributes & FieldAttributes.Literal) != 0 && (field.Attributes & FieldAttributes.FieldAccessMask) == FieldAttributes.Public)
            .ToDictionary(field => _metadata.GetString(field.Name), field => Text(field.GetDefaultValue()));

    private string?[] DefaultsOf(MethodDefinition method)
    {
        var parameters = method.GetParameters().Select(_metadata.GetParameter).Where(parameter => parameter.SequenceNumber > 0);
        return [.. parameters.OrderBy(parameter => parameter.SequenceNumber).Select(parameter => parameter.GetDefaultValue() is { IsNil: false } value ? Text(value) : null)];
    }

    private string Text(ConstantHandle handle)
    {
        var constant = _metadata.GetConstant(handle);
        var value = _metadata.GetBlobReader(constant.Value).ReadConstant(constant.TypeCode);
        return $"{constant.TypeCode} {Convert.ToString(value, CultureInfo.InvariantCulture) ?? "null"}";
    }
}
