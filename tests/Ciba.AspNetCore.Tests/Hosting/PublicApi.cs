using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>The public types and members of an assembly as text, one line each, in a fixed order.</summary>
public static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(byte)] = "byte",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(double)] = "double",
    };

    public static IEnumerable<string> Render(Assembly assembly) =>
        assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal)
            .SelectMany(type => Members(type).Order(StringComparer.Ordinal).Select(member => $"    {member}").Prepend(Header(type)));

    private static string Header(Type type)
    {
        var kind = type.IsEnum ? "enum"
            : type.IsInterface ? "interface"
            : type.IsValueType ? "struct"
            : type is { IsAbstract: true, IsSealed: true } ? "static class"
            : type.IsSealed ? "sealed class"
            : type.IsAbstract ? "abstract class"
            : "class";
        var inherited = type.IsEnum ? [Enum.GetUnderlyingType(type)] : type.GetInterfaces()
            .Where(face => type.BaseType is null || !type.BaseType.GetInterfaces().Contains(face))
            .OrderBy(Name, StringComparer.Ordinal)
            .Prepend(type.BaseType)
            .Where(parent => parent is not null && parent != typeof(object) && parent != typeof(ValueType))
            .Select(parent => parent!);
        var bases = string.Join(", ", inherited.Select(Name));
        return $"{kind} {type.Namespace}.{Name(type)}{(bases.Length > 0 ? $" : {bases}" : "")}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => string.Create(CultureInfo.InvariantCulture, $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}"));
        }

        return
        [
            .. type.GetConstructors(Declared).Where(IsVisible).Select(constructor => $"{Modifiers(constructor)}new({Parameters(constructor)})"),
            .. type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily).Select(Field),
            .. type.GetProperties(Declared).Where(property => property.GetAccessors(nonPublic: true).Any(IsVisible)).Select(Property),
            .. type.GetEvents(Declared).Where(happening => IsVisible(happening.AddMethod!)).Select(happening => $"event {Name(happening.EventHandlerType!)} {happening.Name}"),
            .. type.GetMethods(Declared).Where(method => IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))).Select(Method),
        ];
    }

    private static string Field(FieldInfo field)
    {
        var type = Annotated(new NullabilityInfoContext().Create(field));
        return field.IsLiteral
            ? $"const {type} {field.Name} = {Literal(field.GetRawConstantValue())}"
            : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{type} {field.Name}";
    }

    private static string Property(PropertyInfo property)
    {
        var accessor = property.GetAccessors(nonPublic: true).First(IsVisible);
        var nullability = new NullabilityInfoContext().Create(property);
        var getter = property.GetMethod is { } get && IsVisible(get) ? "get; " : "";
        var setter = property.SetMethod is { } set && IsVisible(set)
            ? set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init; " : "set; "
            : "";
        var allowsNull = nullability.WriteState == NullabilityState.Nullable && nullability.ReadState == NullabilityState.NotNull && setter.Length > 0 ? "[AllowNull] " : "";
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        return $"{allowsNull}{Modifiers(accessor)}{required}{Annotated(nullability)} {property.Name} {{ {getter}{setter}}}";
    }

    private static string Method(MethodInfo method)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
        var constraints = method.IsGenericMethod ? string.Concat(method.GetGenericArguments().Select(Constraints)) : "";
        var extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        return $"{Modifiers(method)}{Annotated(new NullabilityInfoContext().Create(method.ReturnParameter))} {method.Name}{generic}({extension}{Parameters(method)}){constraints}";
    }

    private static string Constraints(Type parameter)
    {
        var kind = parameter.GenericParameterAttributes;
        string[] all =
        [
            .. kind.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint) ? ["class"] : Array.Empty<string>(),
            .. kind.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint) ? ["struct"] : Array.Empty<string>(),
            .. parameter.GetGenericParameterConstraints().Select(Name),
        ];
        return all.Length == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", all)}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        (parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "ref " : "")
        + (parameter.GetCustomAttributesData().Any(attribute => attribute.AttributeType.Name is "ParamArrayAttribute" or "ParamCollectionAttribute") ? "params " : "")
        + $"{Annotated(new NullabilityInfoContext().Create(parameter))} {parameter.Name}"
        + (parameter.HasDefaultValue ? $" = {Literal(parameter.DefaultValue)}" : "")));

    private static string Modifiers(MethodBase method) =>
        (method.IsFamily || method.IsFamilyOrAssembly ? "protected " : "")
        + (method.IsStatic ? "static " : "")
        + (method.DeclaringType!.IsInterface ? method.IsAbstract || method.IsStatic ? "" : "default " : "")
        + (method is not MethodInfo { DeclaringType.IsInterface: false } info ? ""
            : info.IsAbstract ? "abstract "
            : info.GetBaseDefinition().DeclaringType != info.DeclaringType ? "override "
            : info is { IsVirtual: true, IsFinal: false } ? "virtual "
            : "");

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Literal(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool yes => yes ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Annotated(NullabilityInfo info)
    {
        var type = info.Type.IsByRef ? info.Type.GetElementType()! : info.Type;
        var mark = !type.IsValueType && (info.ReadState == NullabilityState.Nullable || (info.ReadState == NullabilityState.Unknown && info.WriteState == NullabilityState.Nullable)) ? "?" : "";
        if (type.IsArray && info.ElementType is { } element)
        {
            return $"{Annotated(element)}[]{mark}";
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return $"{Name(underlying)}?";
        }

        return type.IsGenericType && info.GenericTypeArguments.Length > 0
            ? $"{Bare(type)}<{string.Join(", ", info.GenericTypeArguments.Select(Annotated))}>{mark}"
            : Name(type) + mark;
    }

    private static string Name(Type type) => Keywords.TryGetValue(type, out var keyword) ? keyword
        : type.IsArray ? $"{Name(type.GetElementType()!)}[]"
        : type.IsGenericType ? $"{Bare(type)}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
        : type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}"
        : type.Name;

    private static string Bare(Type type) => type.Name.Split('`')[0];
}
