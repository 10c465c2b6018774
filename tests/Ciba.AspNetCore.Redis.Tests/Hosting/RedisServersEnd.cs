// Not the folder's namespace: NUnit runs this around the tests of its namespace and of those below it.
namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Stops the servers that the tests shared.</summary>
[SetUpFixture]
public sealed class RedisServersEnd
{
    [OneTimeTearDown]
    public Task StopAsync() => RedisServers.StopAsync();
}
