using System.Security.Cryptography.X509Certificates;
using Ciba.AspNetCore.Clients;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests;

/// <summary>How often a certificate is looked at: asking for revocations may hold a thread for seconds.</summary>
[Spec("A3")]
public sealed class TrustedAuthorityChecksTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test]
    public async Task Callers_that_have_gone_do_not_begin_the_same_check_again()
    {
        using var authority = new TestAuthority();
        using var strangers = new TestAuthority("CN=Strangers");
        using var built = new HeldLog();
        var options = new CibaOptions { MutualTls = { Enabled = true, RevocationMode = X509RevocationMode.NoCheck } };
        options.MutualTls.TrustedAuthorities.Add(authority.Certificate);
        var authorities = new TrustedAuthorities(Options.Create(options), new ManualTime(), built);
        var certificate = strangers.Issue("CN=client");
        var gone = new CancellationToken(canceled: true);

        for (var i = 0; i < 3; i++)
        {
            Assert.That(async () => await authorities.WhyNotAsync(certificate, gone), Throws.InstanceOf<OperationCanceledException>());
        }

        var last = authorities.WhyNotAsync(certificate, CancellationToken.None).AsTask();
        built.LetGo();
        var first = await last.WaitAsync(Bound);
        var checksAtOnce = built.Count;
        var again = await authorities.WhyNotAsync(certificate, CancellationToken.None).AsTask().WaitAsync(Bound);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { first, again }, Is.All.StartsWith("its chain is refused"));
            Assert.That(checksAtOnce, Is.EqualTo(1));
            Assert.That(built.Count, Is.EqualTo(2), "what was found bad is looked at each time");
        }
    }

    /// <summary>Holds every check at its end, until it is let go.</summary>
    private sealed class HeldLog : ILogger<TrustedAuthorities>, IDisposable
    {
        private readonly ManualResetEventSlim _gate = new();
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void LetGo() => _gate.Set();

        public void Dispose() => _gate.Dispose();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Interlocked.Increment(ref _count);
            _gate.Wait(Bound);
        }
    }
}
