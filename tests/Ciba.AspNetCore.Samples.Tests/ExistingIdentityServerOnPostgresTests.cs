namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>The same on a real PostgreSQL, whose connection string <c>CIBA_TEST_POSTGRES</c> holds; a database for each test.</summary>
public sealed class ExistingIdentityServerOnPostgresTests : ExistingIdentityServerContract
{
    private const string Variable = "CIBA_TEST_POSTGRES";

    protected override IdentityServerApp NewApp()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } server)
        {
            Assert.Ignore($"{Variable} is not set.");
            throw new InvalidOperationException();
        }

        return new($"{server};Database=ciba_{Guid.NewGuid():N};Pooling=false");
    }
}
