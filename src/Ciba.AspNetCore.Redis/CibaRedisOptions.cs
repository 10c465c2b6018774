namespace Ciba.AspNetCore.Redis;

/// <summary>How the state is kept on Redis.</summary>
public sealed class CibaRedisOptions
{
}
