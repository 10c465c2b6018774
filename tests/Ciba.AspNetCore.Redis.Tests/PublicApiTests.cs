using Ciba.AspNetCore.Tests;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The public API of the Redis package.</summary>
public sealed class PublicApiTests() : PublicApiContract(typeof(CibaRedisOptions).Assembly);
