namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Names the statement of the requirements that a test holds the library to, such as T3.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class SpecAttribute(string id) : CategoryAttribute(id)
{
    public string Id { get; } = id;
}
