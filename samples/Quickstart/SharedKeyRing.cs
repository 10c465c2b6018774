using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using StackExchange.Redis;

namespace Quickstart;

/// <summary>The Data Protection keys of all Quickstarts behind one Redis. For trying things out, like <see cref="SharedKeys"/>.</summary>
public sealed class SharedKeyRing(IConnectionMultiplexer redis) : IXmlRepository
{
    private const string Key = "quickstart:key-ring";

    private static readonly TimeSpan Life = TimeSpan.FromDays(365);

    public IReadOnlyCollection<XElement> GetAllElements() => [.. redis.GetDatabase().ListRange(Key).Select(element => XElement.Parse((string)element!))];

    public void StoreElement(XElement element, string friendlyName)
    {
        redis.GetDatabase().ListRightPush(Key, element.ToString(SaveOptions.DisableFormatting));
        redis.GetDatabase().KeyExpire(Key, Life);
    }
}
