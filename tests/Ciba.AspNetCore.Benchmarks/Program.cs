// dotnet run -c Release --project tests/Ciba.AspNetCore.Benchmarks -- --filter '*'
// dotnet run -c Release --project tests/Ciba.AspNetCore.Benchmarks -- callbacks [REDIS]
// dotnet run -c Release --project tests/Ciba.AspNetCore.Benchmarks -- waiting HOST:PORT|memory [POLLS STREAMS]
using System.Globalization;
using BenchmarkDotNet.Running;
using Ciba.AspNetCore.Benchmarks;

if (args is ["callbacks", .. var rest])
{
    return await new CallbackLoad(rest.FirstOrDefault()).RunAsync();
}

if (args is ["waiting", var store, .. var numbers])
{
    int[] counts = numbers is [var polls, var streams] ? [int.Parse(polls, CultureInfo.InvariantCulture), int.Parse(streams, CultureInfo.InvariantCulture)] : [5000, 5000];
    return await new WaitingLoad(store, counts[0], counts[1]).RunAsync();
}

if (args is ["waiting-node", var kept])
{
    return await WaitingNode.ServeAsync(kept);
}

BenchmarkSwitcher.FromAssembly(typeof(EndpointBenchmarks).Assembly).Run(args);
return 0;
