using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>What notifiers of different classes do, and in which order they were called.</summary>
public sealed class ScriptedNotifiers
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();
    private int _made;

    /// <summary>What a call does, by the name of the notifier; nothing unless a test says so.</summary>
    public Func<string, CancellationToken, Task> OnCall { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>How many notifiers were made.</summary>
    public int Made => Volatile.Read(ref _made);

    /// <summary>Lets the services have the script.</summary>
    public CibaBuilder In(CibaBuilder builder)
    {
        builder.Services.AddSingleton(this).AddScoped<OfOneScope>();
        return builder;
    }

    /// <summary>Waits for the next call, which may not have ended yet.</summary>
    public Task<string> NextAsync() => _calls.Reader.ReadAsync().AsTask().WaitAsync(Bound);

    /// <summary>The calls that nobody has waited for.</summary>
    public IEnumerable<string> Rest()
    {
        while (_calls.Reader.TryRead(out var call))
        {
            yield return call;
        }
    }

    public sealed class First(ScriptedNotifiers script, OfOneScope scope) : Notifier(script, scope);

    public sealed class Second(ScriptedNotifiers script, OfOneScope scope) : Notifier(script, scope);

    /// <summary>Cannot be made.</summary>
    public sealed class Unmade : ICibaDeviceNotifier
    {
        public Unmade() => throw new InvalidOperationException("unmade");

        public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>There is one in a scope, which can be used once, as if it were a connection.</summary>
    public sealed class OfOneScope
    {
        private int _uses;

        public bool IsNew => Interlocked.Increment(ref _uses) == 1;
    }

    public abstract class Notifier : ICibaDeviceNotifier
    {
        private readonly ScriptedNotifiers _script;

        protected Notifier(ScriptedNotifiers script, OfOneScope scope)
        {
            _script = script;
            Interlocked.Increment(ref script._made);
            Assert.That(scope.IsNew, "a notifier has a scope of its own");
        }

        public Task NotifyAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
        {
            _script._calls.Writer.TryWrite(GetType().Name);
            return _script.OnCall(GetType().Name, cancellationToken);
        }
    }
}
