using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Ciba.AspNetCore.Redis.Tests.Compatibility;

/// <summary>A member of another assembly, or with no signature the type itself, that compiled code names.</summary>
internal sealed record UsedMember(string Type, string? Signature)
{
    public override string ToString() => Signature is null ? Type : $"{Type}: {Signature}";
}

/// <summary>What a compiled assembly names of another one, read from its metadata.</summary>
internal sealed class CompiledAssembly : IDisposable
{
    private readonly PEReader _file;
    private readonly MetadataReader _metadata;

    public CompiledAssembly(string path)
    {
        _file = new PEReader(File.OpenRead(path));
        _metadata = _file.GetMetadataReader();
        Name = _metadata.GetString(_metadata.GetAssemblyDefinition().Name);
    }

    public string Name { get; }

    public IEnumerable<string> ReferencedAssemblies =>
        _metadata.AssemblyReferences.Select(handle => _metadata.GetString(_metadata.GetAssemblyReference(handle).Name));

    /// <summary>The types and members of the assembly that this one names, each once, in a fixed order.</summary>
    public IReadOnlyList<UsedMember> Uses(string assembly) =>
    [
        .. _metadata.TypeReferences.Where(type => ComesFrom(type, assembly)).Select(type => new UsedMember(SignatureText.Name(_metadata, type), null))
            .Concat(_metadata.MemberReferences.Select(member => Member(member, assembly)).OfType<UsedMember>())
            .Distinct()
            .OrderBy(used => used.ToString(), StringComparer.Ordinal),
    ];

    /// <summary>The types of this assembly that derive from a type of the other one or implement an interface of it.</summary>
    public IReadOnlyList<string> TypesThatExtend(string assembly) =>
    [
        .. _metadata.TypeDefinitions
            .Where(type => Parents(_metadata.GetTypeDefinition(type)).Any(parent => Reference(parent) is { } reference && ComesFrom(reference, assembly)))
            .Select(type => SignatureText.Name(_metadata, type)),
    ];

    public void Dispose() => _file.Dispose();

    private UsedMember? Member(MemberReferenceHandle handle, string assembly)
    {
        var member = _metadata.GetMemberReference(handle);
        if (Reference(member.Parent) is not { } type || !ComesFrom(type, assembly))
        {
            return null;
        }

        var name = _metadata.GetString(member.Name);
        var signature = member.GetKind() == MemberReferenceKind.Method
            ? SignatureText.Method(name, member.DecodeMethodSignature(SignatureText.Instance, null))
            : SignatureText.Field(name, member.DecodeFieldSignature(SignatureText.Instance, null));
        return new UsedMember(SignatureText.Name(_metadata, type), signature);
    }

    private IEnumerable<EntityHandle> Parents(TypeDefinition type) =>
        type.GetInterfaceImplementations().Select(implemented => _metadata.GetInterfaceImplementation(implemented).Interface).Prepend(type.BaseType);

    // Null where it is a type of this assembly, or an array, whose members are the runtime's.
    private TypeReferenceHandle? Reference(EntityHandle type)
    {
        switch (type.Kind)
        {
            case HandleKind.TypeReference:
                return (TypeReferenceHandle)type;

            case HandleKind.TypeSpecification:
                var blob = _metadata.GetBlobReader(_metadata.GetTypeSpecification((TypeSpecificationHandle)type).Signature);
                if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
                {
                    return null;
                }

                blob.ReadCompressedInteger();
                return Reference(blob.ReadTypeHandle());

            default:
                return null;
        }
    }

    private bool ComesFrom(TypeReferenceHandle handle, string assembly)
    {
        var scope = _metadata.GetTypeReference(handle).ResolutionScope;
        return scope.Kind switch
        {
            HandleKind.TypeReference => ComesFrom((TypeReferenceHandle)scope, assembly),
            HandleKind.AssemblyReference => _metadata.GetString(_metadata.GetAssemblyReference((AssemblyReferenceHandle)scope).Name) == assembly,
            _ => false,
        };
    }
}
