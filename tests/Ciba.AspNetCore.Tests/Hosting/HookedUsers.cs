using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>The users of the host, and a moment before it is known whether one may authenticate.</summary>
public sealed class HookedUsers : ICibaUserLookup
{
    private FakeUsers _users = null!;

    /// <summary>Runs with the subject before it is known whether that user may authenticate.</summary>
    public Func<string, Task> OnActive { get; set; } = _ => Task.CompletedTask;

    /// <summary>Puts this in the place of the users.</summary>
    public void Use(CibaBuilder builder) => builder.Services.Replace(ServiceDescriptor.Singleton<ICibaUserLookup>(services =>
    {
        _users = services.GetRequiredService<FakeUsers>();
        return this;
    }));

    public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken) => _users.FindAsync(hint, client, cancellationToken);

    public async ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken)
    {
        await OnActive(subject);
        return await _users.IsActiveAsync(subject, cancellationToken);
    }

    public ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken) => _users.IsUserCodeAsync(subject, userCode, cancellationToken);
}
