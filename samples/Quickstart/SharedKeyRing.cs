using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using StackExchange.Redis;

namespace Quickstart;

/// <summary>The Data Protection keys of all Quickstarts behind one Redis. For trying things out, like <see cref="SharedKeys"/>.</summary>
public sealed class SharedKeyRing(IConnectionMultiplexer redis, string keyPrefix) : IXmlRepository
{
    private static readonly TimeSpan Life = TimeSpan.FromDays(365);

    private readonly string _key = $"{keyPrefix}:quickstart:key-ring";

    public IReadOnlyCollection<XElement> GetAllElements() => [.. redis.GetDatabase().ListRange(_key).Select(element => XElement.Parse((string)element!))];

    public void StoreElement(XElement element, string friendlyName)
    {
        redis.GetDatabase().ListRightPush(_key, element.ToString(SaveOptions.DisableFormatting));
        redis.GetDatabase().KeyExpire(_key, Life);
    }
}
