using Microsoft.Extensions.Configuration.Json;

namespace Quickstart;

/// <summary>The two things that the standard configuration does not do.</summary>
public static class Configuration
{
    /// <summary><c>--config FILE</c>: a JSON file that wins over appsettings, and loses to environment and command line.</summary>
    public static void AddConfigFile(this ConfigurationManager configuration, string[] args)
    {
        var commandLine = new ConfigurationBuilder().AddCommandLine(args).Build();
        if (commandLine["config"] is not { Length: > 0 } file)
        {
            return;
        }

        var source = new JsonConfigurationSource { Path = Path.GetFullPath(file), Optional = false };
        source.ResolveFileProvider();
        var behindAppSettings = configuration.Sources.ToList().FindLastIndex(known => known is JsonConfigurationSource) + 1;
        configuration.Sources.Insert(behindAppSettings, source);
    }

    /// <summary>The issuer where the configuration names none: the first address that the program listens on.</summary>
    public static string IssuerFromUrls(this IConfiguration configuration)
    {
        var url = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"]).FirstOrDefault(url => url is not null)
            ?? configuration["urls"]?.Split(';')[0]
            ?? "http://localhost:5080";

        // Addresses that mean "everywhere" are no names.
        return url.Replace("://*", "://localhost").Replace("://+", "://localhost").Replace("://0.0.0.0", "://localhost").Replace("://[::]", "://localhost").TrimEnd('/');
    }
}
